// FakeClock: time stands still until a test moves it.
//
//   FakeClock clock;
//   ... something waits on a timer of `clock` ...
//   clock.advance(std::chrono::seconds(10));
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "mas/runtime/clock.h"
#include "mas/runtime/sync.h"

namespace mas::test {

// Thread-safe. Timers resume on the executor of the coroutine that waits.
class FakeClock final : public Clock {
 public:
  // 2026-11-22 17:00:00 UTC
  static constexpr WallTime kStart{1'795'366'800'000'000};

  [[nodiscard]] Instant now() const override {
    std::lock_guard lock(state_->mutex);
    return state_->now;
  }
  [[nodiscard]] WallTime wall() const override {
    std::lock_guard lock(state_->mutex);
    return kStart + state_->now.since_start + state_->wall_ahead;
  }
  [[nodiscard]] std::unique_ptr<Timer> make_timer(Executor) override {
    return std::make_unique<FakeTimer>(state_);
  }

  // Moves time on and wakes the timers that are due.
  void advance(Duration d) {
    std::vector<std::shared_ptr<Wait>> due;
    {
      std::lock_guard lock(state_->mutex);
      state_->now = state_->now + d;
      std::erase_if(state_->waits, [&](const std::shared_ptr<Wait>& wait) {
        if (wait->at > state_->now) return false;
        due.push_back(wait);
        return true;
      });
    }
    for (auto& wait : due) {
      wait->rang = true;
      wait->over.set();
    }
  }

  // Sets the time of day, as an operator or a time server does, and no timer notices.
  void set_wall(Duration ahead_of_start) {
    std::lock_guard lock(state_->mutex);
    state_->wall_ahead = ahead_of_start - state_->now.since_start;
  }

  // How many timers are being waited on.
  [[nodiscard]] std::size_t waiting() const {
    std::lock_guard lock(state_->mutex);
    return state_->waits.size();
  }

 private:
  struct Wait {
    Instant at;
    bool rang = false;
    Event over;
  };
  struct State {
    std::mutex mutex;
    Instant now{};
    Duration wall_ahead{};
    std::vector<std::shared_ptr<Wait>> waits;
  };

  class FakeTimer final : public Timer {
   public:
    explicit FakeTimer(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Task<bool> wait(Duration d) override {
      auto wait = std::make_shared<Wait>();
      {
        std::lock_guard lock(state_->mutex);
        if (d <= Duration(0)) co_return true;
        wait->at = state_->now + d;
        state_->waits.push_back(wait);
      }
      current_ = wait;
      co_await wait->over.wait();
      co_return wait->rang;
    }
    void cancel() override {
      auto wait = current_.lock();
      if (!wait) return;
      {
        std::lock_guard lock(state_->mutex);
        // Already ringing: too late.
        if (std::erase(state_->waits, wait) == 0) return;
      }
      wait->over.set();
    }

   private:
    std::shared_ptr<State> state_;
    std::weak_ptr<Wait> current_;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace mas::test
