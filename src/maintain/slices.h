// Which pod looks after which slice of what is stored.
#pragma once

#include <string>
#include <vector>

#include "mas/maintain/ledger.h"
#include "mas/membership/cluster_view.h"

namespace mas::maintain {

// The members that are not known to be down, by incarnation.
[[nodiscard]] std::vector<Id128> live_members(const membership::ClusterView& view);
// Incarnations of those who have left and are there with what they hold.
[[nodiscard]] std::vector<Id128> live_sources(const membership::ClusterView& view);
// The live members who walk for a layout to settle: they say in their heartbeats how far they are.
[[nodiscard]] std::vector<Id128> settling_members(const membership::ClusterView& view);
// The slices that rendezvous hashing among `members` gives to this pod.
[[nodiscard]] SliceSet own_slices(const membership::ClusterView& view,
                                  const std::vector<Id128>& members);
// Among the live members.
[[nodiscard]] SliceSet own_slices(const membership::ClusterView& view);
// Two hex digits.
[[nodiscard]] std::string prefix_of(std::size_t slice);

}  // namespace mas::maintain
