#include "object/manifest_repair.h"

#include "mas/layout/leavers.h"
#include "mas/object/holders.h"
#include "object/inquiry.h"
#include "object/placement.h"
#include "object/shard_source.h"
#include "object/stripe_repair.h"

namespace mas::object {
namespace {

struct Copies {
  Profile profile;
  std::vector<std::vector<Inquiry::Answer>> answers;  // by object, by copy
};

RecordKey key_of(const meta::Object& object, int copy) {
  return RecordKey::manifest(object.hash, object.generation, static_cast<std::uint16_t>(copy));
}

Task<Copies> ask(Context& context, std::shared_ptr<const membership::ClusterView> view,
                 const std::vector<meta::Object>& objects) {
  Copies copies;
  copies.profile = copies_of(write_profile(context.options, view->layout));
  const int width = copies.profile.width();
  Inquiry inquiry(view);
  for (const meta::Object& object : objects) {
    std::uint32_t partition = layout::partition_of(object.hash);
    for (int copy = 0; copy < width; ++copy) {
      auto holder = row_holder(view->layout, partition, static_cast<std::size_t>(copy));
      inquiry.add(holder, key_of(object, copy));
    }
  }
  co_await inquiry.ask(context);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    std::vector<Inquiry::Answer>& mine = copies.answers.emplace_back();
    for (int copy = 0; copy < width; ++copy) {
      mine.push_back(
          inquiry.answer(i * static_cast<std::size_t>(width) + static_cast<std::size_t>(copy)));
    }
  }
  co_return copies;
}

Standing standing_of(const Copies& copies, std::size_t object) {
  Standing standing{copies.profile.width(), copies.profile.k};
  for (Inquiry::Answer answer : copies.answers[object]) {
    standing.held += answer == Inquiry::Answer::yes ? 1 : 0;
    standing.absent += answer == Inquiry::Answer::no ? 1 : 0;
    standing.away += answer == Inquiry::Answer::none ? 1 : 0;
  }
  return standing;
}

// Whether a shard of an object of one stripe carries its record, with somebody who has not left: a
// rebuild of the metadata believes nobody else. Errors: too_few_pods_read (none can be read, and
// not everybody answered).
Task<Result<bool>> is_carried(Context& context, const meta::Object& object) {
  if (!has_one_stripe(object)) co_return false;
  auto view = context.deps.view.current();
  ShardSource source(context, object.extents[0], 0, {view, Reach::previous, false});
  for (int shard : source.preferred()) {
    Result<const codec::ShardHeader*> header = co_await source.header(shard, 0);
    if (header.has_error()) continue;
    auto holder = source.holder(shard);
    if (!holder || !layout::is_present(view->layout.members[*holder])) continue;
    Result<meta::Object> carried = meta::decode_object((*header)->manifest);
    co_return carried.has_value() && carried->generation == object.generation;
  }
  if (!source.member_unanswered()) co_return false;
  co_return Error(Code::too_few_pods_read, "Nobody who holds this file answers.");
}

}  // namespace

Task<std::vector<Standing>> inspect_manifests(Context& context, std::vector<meta::Object> objects) {
  Copies copies = co_await ask(context, context.deps.view.current(), objects);
  std::vector<Standing> standings;
  for (std::size_t i = 0; i < objects.size(); ++i) standings.push_back(standing_of(copies, i));
  co_return standings;
}

Task<Result<Mended>> repair_manifest(Context& context, meta::Object object) {
  auto view = context.deps.view.current();
  const std::vector<meta::Object> one{object};
  Copies copies = co_await ask(context, view, one);
  Mended mended;
  mended.standing = standing_of(copies, 0);
  const bool live = object.state == meta::ObjectState::live;
  if (live && mended.standing.held == 0) {
    MAS_CO_TRY(bool carried, co_await is_carried(context, object));
    if (carried) {
      mended.standing = {mended.standing.meant, mended.standing.needed, mended.standing.meant};
      co_return mended;
    }
  }
  if (mended.standing.absent == 0) co_return mended;
  MAS_CO_TRY(std::optional<meta::Object> now, co_await context.deps.meta.find(object.hash));
  bool same = now && now->state == object.state && now->generation == object.generation;
  mended.unreferenced = !same;
  if (!same) co_return mended;
  // As it was when it was published.
  now->damaged = false;
  now->released = 0;
  const std::vector<Slice> pieces{Slice::copy_of(as_bytes(meta::encode(*now)))};
  const std::uint32_t partition = layout::partition_of(object.hash);
  Result<void> stored;
  for (std::size_t copy = 0; copy < copies.answers[0].size(); ++copy) {
    if (copies.answers[0][copy] != Inquiry::Answer::no) continue;
    layout::MemberIndex holder = *row_holder(view->layout, partition, copy);
    RecordKey key = key_of(object, static_cast<int>(copy));
    Result<void> put =
        co_await context.deps.transport.put(holder, view->layout.version, key, pieces);
    if (put.has_value()) put = co_await read_back(context, holder, key, pieces);
    if (put.has_error()) {
      stored = put;
      continue;
    }
    ++mended.rebuilt;
    ++mended.standing.held;
    --mended.standing.absent;
    mended.bytes += pieces[0].size();
  }
  context.instruments.repaired.add(mended.rebuilt);
  context.instruments.repaired_bytes.add(static_cast<double>(mended.bytes));
  MAS_CO_CHECK(std::move(stored));
  co_return mended;
}

}  // namespace mas::object
