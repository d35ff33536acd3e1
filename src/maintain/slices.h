// Which pod looks after which slice of what is stored.
#pragma once

#include <string>
#include <vector>

#include "mas/maintain/ledger.h"
#include "mas/membership/cluster_view.h"

namespace mas::maintain {

// The members that are not known to be down, by incarnation.
[[nodiscard]] std::vector<Id128> live_members(const membership::ClusterView& view);
// The slices that rendezvous hashing among the live members gives to this pod.
// Incarnations of those who have left and are there with what they hold.
[[nodiscard]] std::vector<Id128> live_sources(const membership::ClusterView& view);
[[nodiscard]] SliceSet own_slices(const membership::ClusterView& view);
// Two hex digits.
[[nodiscard]] std::string prefix_of(std::size_t slice);

}  // namespace mas::maintain
