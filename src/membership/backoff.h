// How long to wait before the next attempt at something that keeps failing.
#pragma once

#include <algorithm>

#include "mas/core/units.h"
#include "mas/runtime/rng.h"

namespace mas::membership {

// Doubles from `first` to `last`; each wait is drawn from the upper half of that, so that pods that
// lost the same broker do not come back at the same moment.
class Backoff {
 public:
  Backoff(Duration first, Duration last, Rng& rng)
      : first_(first), last_(last), next_(first), rng_(rng) {}

  [[nodiscard]] Duration next() {
    Duration most = next_;
    next_ = std::min(last_, 2 * next_);
    auto spread = static_cast<std::uint64_t>((most / 2).count()) + 1;
    return most - Duration(static_cast<Duration::rep>(rng_.u64() % spread));
  }
  void reset() { next_ = first_; }

 private:
  Duration first_;
  Duration last_;
  Duration next_;
  Rng& rng_;
};

}  // namespace mas::membership
