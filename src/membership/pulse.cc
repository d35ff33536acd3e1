#include "membership/pulse.h"

namespace mas::membership {

std::uint64_t Pulse::next(Instant now) {
  if (!beating_) echo_ = now;
  beating_ = true;
  return next_++;
}

void Pulse::hear(const Heartbeat& beat, Instant at) {
  bool in_range = beat.sequence >= first_ && beat.sequence < next_;
  if (in_range && beat.peer_address == address_) {
    echo_ = at;
    return;
  }
  bool older = beat.sequence < first_ || (in_range && beat.peer_address < address_);
  if (!older) {
    has_younger_ = true;
    return;
  }
  // One beat may be the last of the process before this one; it does not send a second.
  if (elder_ && *elder_ != beat.sequence) has_elder_ = true;
  elder_ = beat.sequence;
}

bool Pulse::unheard(Instant now, Duration patience) const {
  return beating_ && now - echo_ >= patience;
}

}  // namespace mas::membership
