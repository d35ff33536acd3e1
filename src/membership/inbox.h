// Inbox: beats on their way from the bus's thread to membership's.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "mas/membership/heartbeat_bus.h"
#include "mas/runtime/clock.h"

namespace mas::membership {

struct HeardBeat {
  Heartbeat beat;
  Instant at;
};

// Thread-safe. Bounded: what does not fit is lost, as a beat may be; the next one follows.
class Inbox {
 public:
  static constexpr std::size_t kMost = 20'000;

  void put(const Heartbeat& beat, Instant at) {
    std::lock_guard lock(mutex_);
    if (beats_.size() < kMost) beats_.push_back({beat, at});
  }
  [[nodiscard]] std::vector<HeardBeat> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(beats_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<HeardBeat> beats_;
};

}  // namespace mas::membership
