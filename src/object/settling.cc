#include "mas/object/settling.h"

#include <algorithm>

#include "mas/object/holders.h"
#include "mas/observe/log.h"

namespace mas::object {

bool is_settling(const layout::Layout& layout, std::uint32_t partition) {
  if (is_changing(layout, partition)) return true;
  const std::vector<layout::MemberIndex>& row = layout.row(partition);
  return std::any_of(row.begin(), row.end(),
                     [&](layout::MemberIndex member) { return layout.members[member].fresh; });
}

bool is_in_place(const Standing& standing, const layout::Layout& layout, std::uint32_t partition) {
  return standing.held >= std::min(standing.meant, static_cast<int>(layout.row(partition).size()));
}

Task<bool> settle_stripe(Upkeep& upkeep, std::shared_ptr<const membership::ClusterView> view,
                         StripeRef stripe, std::uint64_t& bytes) {
  Result<Mended> mended = co_await upkeep.repair(stripe, Care::quick);
  if (mended.has_error()) {
    log::debug(
        "settle.stripe_waits",
        {{"extent", stripe.extent.id.hex()}, {"stripe", stripe.number}, {"error", mended.error()}});
    co_return false;
  }
  bytes = mended->bytes;
  // Where fewer are found than it takes, all that there are have been put in place by now. Whoever
  // has left may have more, and is not let go by this.
  const bool too_few = mended->standing.absent > 0 && mended->standing.spare() < 0;
  if (mended->unreferenced || mended->beyond_repair || too_few) co_return true;
  const std::uint32_t partition = layout::partition_of(stripe.extent.id, stripe.number);
  co_return is_in_place(mended->standing, view->layout, partition);
}

}  // namespace mas::object
