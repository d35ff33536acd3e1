// How long steps of requests take at present, against how long they usually take.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "mas/runtime/clock.h"

namespace mas::object {

// Thread-safe. Counts durations in windows of a few seconds; what is usual is the lowest 99th
// percentile of all windows, forgotten slowly.
class Pulse {
 public:
  explicit Pulse(Clock& clock) : clock_(clock), began_(clock.now()) {}

  void note(Duration taken);
  // The last window's 99th percentile by the usual one; at least 1, and 1 if nothing much happened.
  [[nodiscard]] double strain();

 private:
  // Bucket i: up to 2^(i / 2) microseconds.
  static constexpr std::size_t kBuckets = 64;

  void roll(Instant now);
  [[nodiscard]] double percentile_99() const;

  Clock& clock_;
  std::mutex mutex_;
  Instant began_;
  std::array<std::uint32_t, kBuckets> window_{};
  std::uint32_t count_ = 0;
  double usual_ = 0;    // microseconds
  double present_ = 0;  // of the last window; 0: too few
};

}  // namespace mas::object
