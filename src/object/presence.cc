#include "object/presence.h"

#include <algorithm>
#include <map>

#include "object/join.h"

namespace mas::object {
namespace {

// Stripes that are asked for at once.
constexpr std::size_t kBatch = 512;

struct StripeRef {
  std::size_t extent;
  std::uint64_t number;
};

// What one member is asked and says.
struct Inquiry {
  std::vector<RecordKey> keys;
  std::vector<std::size_t> stripes;  // index into the batch, for each key
  Result<std::vector<bool>> answer = Error(Code::internal, "The member was not asked.");
};

Task<void> ask(Context& context, layout::MemberIndex member, Inquiry& inquiry) {
  inquiry.answer = co_await context.deps.transport.have(member, inquiry.keys);
}

// Adds what the holders of `batch` have to `presence`.
Task<void> check_batch(Context& context, const std::vector<meta::Extent>& extents,
                       const std::vector<StripeRef>& batch, Presence& presence) {
  auto view = context.deps.view.current();
  std::map<layout::MemberIndex, Inquiry> inquiries;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const meta::Extent& extent = extents[batch[i].extent];
    const auto& row = view->layout.row(layout::partition_of(extent.id, batch[i].number));
    auto width =
        std::min<std::size_t>(row.size(), static_cast<std::size_t>(extent.profile.width()));
    for (std::size_t shard = 0; shard < width; ++shard) {
      Inquiry& inquiry = inquiries[row[shard]];
      inquiry.keys.push_back(
          RecordKey::shard(extent.id, batch[i].number, static_cast<std::uint16_t>(shard)));
      inquiry.stripes.push_back(i);
    }
  }
  std::vector<Task<void>> tasks;
  for (auto& [member, inquiry] : inquiries) tasks.push_back(ask(context, member, inquiry));
  if (tasks.size() == 1) {
    co_await std::move(tasks.front());
  } else {
    co_await run_all(std::move(tasks), "presence");
  }
  std::vector<int> durable(batch.size(), 0);
  for (const auto& [member, inquiry] : inquiries) {
    presence.unanswered |= inquiry.answer.has_error();
    if (inquiry.answer.has_error() || inquiry.answer->size() != inquiry.keys.size()) continue;
    for (std::size_t i = 0; i < inquiry.keys.size(); ++i) {
      durable[inquiry.stripes[i]] += (*inquiry.answer)[i] ? 1 : 0;
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Profile& profile = extents[batch[i].extent].profile;
    presence.worst = Durability::worst(presence.worst, Durability::of(profile, durable[i]));
    bool enough = durable[i] >= write_minimum(profile);
    bool listed = !presence.too_few.empty() && presence.too_few.back() == batch[i].extent;
    if (!enough && !listed) presence.too_few.push_back(batch[i].extent);
  }
}

}  // namespace

Task<Presence> check_presence(Context& context, std::vector<meta::Extent> extents) {
  Presence presence;
  Profile profile = write_profile(context.options, context.deps.view.current()->layout);
  if (!extents.empty()) profile = extents.front().profile;
  presence.worst = Durability::of(profile, profile.width());
  std::vector<StripeRef> batch;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    for (std::uint64_t number = 0; number < stripe_count(extents[i]); ++number) {
      batch.push_back({i, number});
      if (batch.size() < kBatch) continue;
      co_await check_batch(context, extents, batch, presence);
      batch.clear();
    }
  }
  if (!batch.empty()) co_await check_batch(context, extents, batch, presence);
  co_return presence;
}

Task<Receipt> make_receipt(Context& context, meta::Object object) {
  Presence presence = co_await check_presence(context, object.extents);
  Receipt receipt;
  receipt.object = std::move(object);
  receipt.durable = presence.worst.durable;
  receipt.meant = presence.worst.meant;
  receipt.survives = std::max(presence.worst.survives, 0);
  co_return receipt;
}

}  // namespace mas::object
