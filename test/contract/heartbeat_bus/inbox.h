// Inbox: what one bus heard, and a wait for it that needs no clock (ctest bounds it).
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "mas/membership/heartbeat_bus.h"

namespace mas::membership::test {

class Inbox {
 public:
  // Starts listening on `bus`, which must be destroyed before this.
  void attach(HeartbeatBus& bus) {
    bus.listen([this](const Heartbeat& beat) {
      std::lock_guard lock(mutex_);
      beats_.push_back(beat);
      changed_.notify_all();
    });
  }
  // Waits until there are `count` heartbeats, and gives all there are.
  [[nodiscard]] std::vector<Heartbeat> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return beats_.size() >= count; });
    return beats_;
  }
  [[nodiscard]] std::vector<Heartbeat> now() {
    std::lock_guard lock(mutex_);
    return beats_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Heartbeat> beats_;
};

}  // namespace mas::membership::test
