// How old something is, by a clock that a change of the system's time cannot hurry.
#pragma once

#include <algorithm>

#include "mas/runtime/clock.h"

namespace mas::maintain {

// Age in time this process ran, for what happened while it ran; for what happened before, the wall
// clock's word at start is taken: no reader of that time is left.
class Grace {
 public:
  Grace(Clock& clock, Duration grace)
      : clock_(clock), grace_(grace), start_(clock.now()), start_wall_(clock.wall()) {}

  // Unix seconds: what happened before this is past the grace.
  [[nodiscard]] std::int64_t horizon() const {
    WallTime ran = start_wall_ + (clock_.now() - start_);
    WallTime now = std::min(clock_.wall(), ran);
    return (now + -grace_).unix_seconds();
  }

 private:
  Clock& clock_;
  Duration grace_;
  Instant start_;
  WallTime start_wall_;
};

}  // namespace mas::maintain
