// When a pod stops trusting what it sees: beats do not come through, or too many vanished together.
#pragma once

#include <string>
#include <vector>

#include "mas/layout/layout.h"
#include "membership/pod_table.h"

namespace mas::membership {

// Whether more than a quarter of `members`, and at least two, are down that were last seen within
// `window` of each other. One pod alone is an ordinary failure, however small the cluster.
[[nodiscard]] bool vanished_together(std::vector<Instant> last_seen, std::size_t members,
                                     Duration window);

// Keys of the members that are present, in order of index.
[[nodiscard]] std::vector<PodKey> present_members(const layout::Layout& layout);

// Why nothing may be moved or removed; empty if it may.
[[nodiscard]] std::string frozen_reason(const layout::Layout& layout, const PodTable& pods,
                                        bool blind, Duration window);

}  // namespace mas::membership
