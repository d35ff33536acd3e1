#include "object/presence.h"

#include <algorithm>

#include "mas/object/holders.h"
#include "object/inquiry.h"

namespace mas::object {
namespace {

// Stripes that are asked for at once.
constexpr std::size_t kBatch = 512;

struct StripeOf {
  std::size_t extent;
  std::uint64_t number;
};

// Shards of each stripe of a batch that are there. `asked`: the stripe of each question.
std::vector<int> count(const Inquiry& inquiry, const std::vector<std::size_t>& asked,
                       std::size_t stripes) {
  std::vector<int> durable(stripes, 0);
  for (std::size_t question = 0; question < asked.size(); ++question) {
    durable[asked[question]] += inquiry.answer(question) == Inquiry::Answer::yes ? 1 : 0;
  }
  return durable;
}

// Adds what the holders of `batch` have to `presence`.
Task<void> check_batch(Context& context, const std::vector<meta::Extent>& extents,
                       const std::vector<StripeOf>& batch, Presence& presence) {
  auto view = context.deps.view.current();
  Inquiry inquiry(view);
  std::vector<std::size_t> asked;  // index into the batch, for each question
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const meta::Extent& extent = extents[batch[i].extent];
    std::uint32_t partition = layout::partition_of(extent.id, batch[i].number);
    for (std::uint16_t shard = 0; shard < extent.profile.width(); ++shard) {
      inquiry.add(row_holder(view->layout, partition, shard),
                  RecordKey::shard(extent.id, batch[i].number, shard));
      asked.push_back(i);
    }
  }
  co_await inquiry.ask_briefly(context);
  std::vector<int> durable = count(inquiry, asked, batch.size());
  // Whoever is silent is waited for only where it matters.
  bool matters = false;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Profile& profile = extents[batch[i].extent].profile;
    matters |= durable[i] < write_minimum(profile, context.write.min_survives);
  }
  if (matters && inquiry.unanswered()) {
    co_await inquiry.ask(context);
    durable = count(inquiry, asked, batch.size());
  }
  presence.unanswered |= inquiry.unanswered();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Profile& profile = extents[batch[i].extent].profile;
    presence.worst = Durability::worst(presence.worst, Durability::of(profile, durable[i]));
    bool enough = durable[i] >= write_minimum(profile, context.write.min_survives);
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
  std::vector<StripeOf> batch;
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
