// Gaps: promises that the simulation can check and mas does not keep yet. What breaks only these is
// left out of a run, unless it is asked for with --gaps. Whoever mends one takes it out of
// kOpenGaps: from then on every seed holds mas to it.
#pragma once

#include <algorithm>
#include <array>

namespace mas::sim {

enum class Gap {
  hash_run,   // parts sent again with other bytes through several pods: what is published is right
  receipts,   // receipts are true at their moment, and nothing is answered from what is gone
  leaving,    // an intact directory that returns is no loss, whatever the layout was meanwhile
  manifests,  // no manifest is left of what has no record
  clocks,     // no wall clock of one pod ends an upload
};

inline constexpr std::array<Gap, 0> kOpenGaps{};

// What a run holds mas to.
class Scope {
 public:
  // `all`: to what it does not keep yet, too.
  explicit Scope(bool all) : all_(all) {}
  [[nodiscard]] bool covers(Gap gap) const {
    return all_ || std::find(kOpenGaps.begin(), kOpenGaps.end(), gap) == kOpenGaps.end();
  }

 private:
  bool all_;
};

}  // namespace mas::sim
