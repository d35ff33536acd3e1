#include "object/presence.h"

#include <algorithm>

#include "object/context.h"
#include "object/join.h"
#include "object/manifest_repair.h"
#include "object/newest_layout.h"
#include "object/presence_batch.h"
#include "object/stripe_repair.h"

namespace mas::object {
namespace {

// Stripes that are asked for at once, and that are repaired at once.
constexpr std::size_t kBatch = 512;
constexpr std::size_t kRepairedAtOnce = 4;
constexpr int kMostLooks = 3;  // of one receipt, each longer than a moment

void add_verdict(Presence& presence, Presence::Verdict verdict) {
  using Verdict = Presence::Verdict;
  if (verdict == Verdict::enough || presence.verdict == Verdict::too_few) return;
  presence.verdict = verdict;
}

// Adds what the holders of `batch` have to `presence`.
Task<void> check_batch(Context& context, const std::vector<meta::Extent>& extents,
                       std::vector<Kept> items, Presence& presence) {
  PresenceBatch batch(context, std::move(items));
  co_await batch.ask();
  for (std::size_t i = 0; i < batch.items().size(); ++i) {
    const Kept& item = batch.items()[i];
    const Presence::Verdict verdict = batch.verdict(i);
    presence.worst = Durability::worst(presence.worst, batch.durability(i));
    add_verdict(presence, verdict);
    if (verdict == Presence::Verdict::enough) continue;
    bool readable = batch.held(i) >= item.profile.k;
    if (readable && presence.weak.size() < Presence::kMostWeak) {
      presence.weak.push_back({extents[item.extent], item.number});
    }
    bool listed = !presence.too_few.empty() && presence.too_few.back() == item.extent;
    bool certain = verdict == Presence::Verdict::too_few;
    if (certain && !listed) presence.too_few.push_back(item.extent);
  }
}

// That something is nowhere is only known of the newest layout.
Task<void> confirm(Context& context, std::uint64_t layout_version, Presence& presence) {
  if (presence.verdict != Presence::Verdict::too_few) co_return;
  const bool known = co_await went_by_newest_layout(context, layout_version);
  if (known) co_return;
  presence.verdict = Presence::Verdict::unknown;
  presence.too_few.clear();
}

Durability whole(const Profile& profile) { return Durability::of(profile, profile.width()); }

Task<Presence> check_manifest(Context& context, const meta::Object& object) {
  const auto view = context.deps.view.current();
  Kept item;
  item.partition = layout::partition_of(object.hash);
  item.profile = copies_of(write_profile(context.options, view->layout));
  item.key = RecordKey::manifest(object.hash, object.generation, 0);
  std::vector<Kept> one{item};
  PresenceBatch batch(context, std::move(one));
  co_await batch.ask();
  Presence presence;
  presence.worst = batch.durability(0);
  presence.verdict = batch.verdict(0);
  co_await confirm(context, view->layout.version, presence);
  co_return presence;
}

Task<void> mend(Context& context, StripeRef stripe, int& rebuilt) {
  StripeRepair repair(context, stripe, Care::quick);
  Result<Mended> mended = co_await repair.run();
  if (mended.has_value()) rebuilt += mended->rebuilt;
}

// How many shards were made anew.
Task<int> mend_all(Context& context, std::vector<StripeRef> stripes) {
  int rebuilt = 0;
  for (std::size_t at = 0; at < stripes.size(); at += kRepairedAtOnce) {
    std::vector<Task<void>> some;
    for (std::size_t i = at; i < std::min(at + kRepairedAtOnce, stripes.size()); ++i) {
      some.push_back(mend(context, stripes[i], rebuilt));
    }
    co_await run_all(std::move(some), "repair before publishing");
  }
  co_return rebuilt;
}

// Adds what the holders of all stripes have to `presence`, or of so many as are needed to know.
Task<void> look_at(Context& context, const std::vector<meta::Extent>& extents, LookUntil until,
                   Presence& presence) {
  std::vector<Kept> items;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const meta::Extent& extent = extents[i];
    for (std::uint64_t number = 0; number < stripe_count(extent); ++number) {
      Kept& item = items.emplace_back();
      item.extent = i;
      item.number = number;
      item.partition = layout::partition_of(extent.id, number);
      item.profile = extent.profile;
      item.key = RecordKey::shard(extent.id, number, 0);
      if (items.size() < kBatch) continue;
      co_await check_batch(context, extents, std::exchange(items, {}), presence);
      if (until == LookUntil::lack && !presence.enough()) co_return;
    }
  }
  if (!items.empty()) co_await check_batch(context, extents, std::move(items), presence);
}

}  // namespace

Task<Presence> check_presence(Context& context, std::vector<meta::Extent> extents,
                              LookUntil until) {
  Presence presence;
  const auto view = context.deps.view.current();
  Profile profile = write_profile(context.options, view->layout);
  presence.worst = whole(extents.empty() ? profile : extents.front().profile);
  co_await look_at(context, extents, until, presence);
  co_await confirm(context, view->layout.version, presence);
  co_return presence;
}

Task<Presence> check_presence(Context& context, meta::Object object, LookUntil until) {
  if (object.extents.empty()) co_return co_await check_manifest(context, object);
  co_return co_await check_presence(context, std::move(object.extents), until);
}

Task<Presence> secure_presence(Context& context, std::vector<meta::Extent> extents) {
  for (;;) {
    Presence presence = co_await check_presence(context, extents);
    if (presence.weak.empty()) co_return presence;
    // Each round makes shards anew, or is the last.
    const int rebuilt = co_await mend_all(context, presence.weak);
    if (rebuilt == 0) co_return presence;
  }
}

Task<Presence> secure_presence(Context& context, meta::Object object) {
  if (!object.extents.empty()) {
    co_return co_await secure_presence(context, std::move(object.extents));
  }
  Presence presence = co_await check_manifest(context, object);
  if (presence.enough()) co_return presence;
  Result<Mended> mended = co_await repair_manifest(context, object);
  if (mended.has_error()) co_return presence;
  co_return co_await check_manifest(context, object);
}

Task<Result<Receipt>> fresh_receipt(Context& context, meta::Object object, Durability stood,
                                    Instant since) {
  Presence presence;
  presence.worst = stood;
  for (int look = 0; context.deps.clock.now() - since > kFreshLook && look < kMostLooks; ++look) {
    since = context.deps.clock.now();
    presence = co_await secure_presence(context, object);
    if (presence.verdict == Presence::Verdict::unknown) co_return holders_silent();
    if (!presence.enough()) {
      co_return Error(Code::too_few_pods_write,
                      "Too much of this file was lost while it was being stored; send it again.");
    }
  }
  co_return make_receipt(std::move(object), presence);
}

Receipt make_receipt(meta::Object object, const Presence& presence) {
  Receipt receipt;
  receipt.object = std::move(object);
  receipt.durable = presence.worst.durable;
  receipt.meant = presence.worst.meant;
  receipt.survives = std::max(presence.worst.survives, 0);
  return receipt;
}

Error holders_silent() {
  return Error(Code::too_few_pods_write,
               "Too few pods that hold this file's content answer; try again when more are up.");
}

}  // namespace mas::object
