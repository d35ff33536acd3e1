// Losses: which pods have lost what they held for good, and what may be gone with it.
//
// A receipt says how many losses its file survives. Losses count until every stripe has been seen
// whole again (an Audit); what was seen whole survives as many as its profile does from then on. A
// file that had more losses than it was to survive is excused: it may be damaged, for good.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "mas/meta/records.h"
#include "sim/world.h"

namespace mas::sim {

class Losses {
 public:
  explicit Losses(World& world) : world_(world) {}

  // An extent was heard of; only its first time counts.
  void born(const Id128& extent) { born_.try_emplace(extent, world_.now()); }
  // Whether the metadata store ever had to do with this extent.
  [[nodiscard]] bool was_known(const Id128& extent) const { return born_.contains(extent); }

  // A receipt for the record.
  void promise(const meta::Object& object, int survives);
  // Some or all of what this pod holds is gone.
  void add(std::size_t pod);
  // All stripes of all files and uploads were seen whole, by a look that began at `begun`;
  // `objects` are the files. True if nothing was lost since.
  bool seen_whole(const std::vector<meta::Object>& objects, Instant begun);

  // Pods whose losses are not known to be made good.
  [[nodiscard]] const std::set<std::size_t>& open() const noexcept { return open_; }
  [[nodiscard]] Instant last() const noexcept { return last_; }
  // Whether a pod ever lost anything.
  [[nodiscard]] bool ever(std::size_t pod) const { return ever_.contains(pod); }
  [[nodiscard]] bool is_excused(const meta::Object& object) const;

 private:
  struct Promise {
    int survives = 0;
    bool excused = false;
    bool seen_whole = false;
  };

  World& world_;
  std::map<Id128, Instant> born_;
  std::map<Id128, Promise> promises_;  // by the first extent of the record
  std::set<std::size_t> open_;
  std::set<std::size_t> ever_;
  std::size_t most_ = 0;  // at once
  Instant last_{};
};

}  // namespace mas::sim
