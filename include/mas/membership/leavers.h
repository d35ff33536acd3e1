// What membership does about those who have left the layout: lets them go once everything is in
// place without them, or at the operator's word.
//
// A pod that has left and comes back with what it held is a source: it beats as `returned`, gives
// out the shards that it has, and is as good as halted otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mas/membership/membership.h"

namespace mas::membership {

// Beside the states that 0.1.0 knew, who ignores such beats.
inline constexpr auto kReturned = static_cast<PodState>(4);

// Whether this pod is one that has returned.
[[nodiscard]] bool has_returned(const ClusterView& view);

// What a look at all that is stored has found; each weighs more than those before.
enum class Look : std::uint8_t {
  under_way,
  whole,       // all of it is in place with those who are present
  incomplete,  // something is not in place yet, or somebody did not answer
  needed,      // all who are present together have too little of something to read it
};

// The look for what only those may hold who have left. Thread-safe.
class LeaversLook {
 public:
  virtual ~LeaversLook() = default;
  // Of the layout `version`, which is settled. Asked again and again, by one pod as a rule; one
  // that found something missing is followed by another after a while.
  virtual Look look(std::uint64_t version) = 0;
};

class Leavers {
 public:
  virtual ~Leavers() = default;
  // The operator's word that the data of `slot` are gone: nothing more is expected of what left
  // under that name, and if the slot has come back empty and waits, it takes its place over. Gives
  // the layout's new version. Called on membership's executor. Errors: refused (nothing is waited
  // for there; it is back and read), busy (this pod may not change the layout now), those of the
  // store.
  virtual Task<Result<std::uint64_t>> give_up(std::string slot) = 0;
};

struct WithLeavers {
  std::unique_ptr<Membership> membership;
  Leavers* leavers = nullptr;  // a part of it
};

// As make_membership, which lets nobody go by itself. `look` outlives it.
[[nodiscard]] WithLeavers make_membership_with_leavers(const config::Cluster& options, Self self,
                                                       Dependencies deps, LeaversLook* look);

}  // namespace mas::membership
