// Time behind an interface, so that a simulation can own it. Nothing above layer 1 asks the system.
#pragma once

#include <chrono>
#include <memory>

#include "mas/core/units.h"
#include "mas/runtime/task.h"

namespace mas {

// Monotonic time since an arbitrary start; only differences mean anything.
struct Instant {
  Duration since_start{};
  friend auto operator<=>(const Instant&, const Instant&) = default;
  friend Instant operator+(Instant at, Duration d) { return {at.since_start + d}; }
  friend Duration operator-(Instant a, Instant b) { return a.since_start - b.since_start; }
};

// Wall-clock time, microseconds since 1970-01-01 UTC.
struct WallTime {
  std::int64_t unix_micros = 0;
  [[nodiscard]] std::int64_t unix_seconds() const noexcept { return unix_micros / 1'000'000; }
  friend auto operator<=>(const WallTime&, const WallTime&) = default;
  friend WallTime operator+(WallTime at, Duration d) {
    return {at.unix_micros + std::chrono::duration_cast<std::chrono::microseconds>(d).count()};
  }
};

// One wait at a time, on the executor it was made for; used from that executor's thread only.
class Timer {
 public:
  virtual ~Timer() = default;
  // True when `d` has passed, false when cancel() came first.
  virtual Task<bool> wait(Duration d) = 0;
  virtual void cancel() = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Timer> make_timer(Executor executor) = 0;
  // Waits on the calling coroutine's executor; not cancellable: for a wait that must be, use a
  // Timer.
  Task<void> sleep(Duration d);
};

// The system's clocks and Asio's timers.
[[nodiscard]] std::unique_ptr<Clock> make_system_clock();

}  // namespace mas
