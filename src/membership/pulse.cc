#include "membership/pulse.h"

namespace mas::membership {

std::uint64_t Pulse::next(Instant now) {
  if (!beating_) echo_ = now;
  beating_ = true;
  return next_++;
}

bool Pulse::is_older(const Heartbeat& beat) const {
  const bool in_range = beat.sequence >= first_ && beat.sequence < next_;
  return beat.sequence < first_ || (in_range && beat.peer_address < address_);
}

void Pulse::hear(const Heartbeat& beat, Instant at) {
  if (beat.boot == boot_) {
    echo_ = at;
    return;
  }
  twin_ = beat.boot;
  const bool older = is_older(beat);
  // Only a process that runs now has heard of this one. Else it may be the last beat of the process
  // before this one, or somebody says again what was recorded. Of mas 0.1.0 none comes here: it has
  // no seal, and this pod's name is not taken from whoever proves nothing.
  if (beat.twin != boot_) return;
  has_elder_ = has_elder_ || older;
  has_younger_ = has_younger_ || !older;
}

bool Pulse::unheard(Instant now, Duration patience) const {
  return beating_ && now - echo_ >= patience;
}

}  // namespace mas::membership
