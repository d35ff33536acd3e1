// What has to be in place before the previous holders of a layout's changed rows may be let go, and
// what counts as in place.
#pragma once

#include <memory>

#include "mas/membership/cluster_view.h"
#include "mas/object/repair.h"

namespace mas::object {

// Whether shards of this row may not be with their holders though nothing was lost: the row
// changes, or a member in it took its slot over with an empty directory. Rows of which neither
// holds need not be looked at before the layout settles; what they lack is repair's affair.
[[nodiscard]] bool is_settling(const layout::Layout& layout, std::uint32_t partition);

// A row that is narrower than the profile has no place for the rest: waiting for it would keep out
// the very pods that make the row wider.
[[nodiscard]] bool is_in_place(const Standing& standing, const layout::Layout& layout,
                               std::uint32_t partition);

// Repairs a stripe that is not in place, and says whether it counts as in place after that. What is
// beyond repair does, as no holder has more of it than was brought to its row; so does what nothing
// refers to any more. `bytes` becomes what was written.
Task<bool> settle_stripe(Upkeep& upkeep, std::shared_ptr<const membership::ClusterView> view,
                         StripeRef stripe, std::uint64_t& bytes);

}  // namespace mas::object
