// Time that passes by itself, for what waits while nobody else moves the clock.
#pragma once

#include <atomic>
#include <thread>

#include "support/fake_clock.h"

namespace mas::test {

// A tenth of a second of the clock's time each millisecond, from here to the end of its life.
class Ticking {
 public:
  explicit Ticking(FakeClock& clock)
      : thread_([this, &clock] {
          while (!over_) {
            clock.advance(std::chrono::milliseconds(100));
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
        }) {}
  ~Ticking() {
    over_ = true;
    thread_.join();
  }
  Ticking(const Ticking&) = delete;
  Ticking& operator=(const Ticking&) = delete;

 private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace mas::test
