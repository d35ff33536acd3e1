// When a reader asks one more holder because the first is late, and how often it may.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "mas/config/config.h"
#include "mas/runtime/clock.h"

namespace mas::object {

// Thread-safe. The delay is the 95th percentile of the calls of the last ten to twenty seconds,
// kept within config::Read; hedge_max while there are too few to tell. Every ten calls that were
// answered earn one more, so hedging adds at most a tenth to the load, whatever happens; a few are
// saved up for when it begins.
class Hedging {
 public:
  Hedging(const config::Read& options, Clock& clock)
      : options_(options), clock_(clock), began_(clock.now()) {}

  // A call to another pod that was answered after `taken`.
  void note(Duration taken);
  // Zero: no hedging at all.
  [[nodiscard]] Duration delay();
  // Takes leave for this many calls more; false: not now.
  [[nodiscard]] bool take(std::size_t calls);

 private:
  // Bucket i: up to 2^(i / 2) microseconds.
  static constexpr std::size_t kBuckets = 64;
  // Calls saved up at most.
  static constexpr std::uint32_t kSaved = 64;
  using Counts = std::array<std::uint32_t, kBuckets>;

  void roll(Instant now);
  void find_percentile();

  const config::Read options_;
  Clock& clock_;
  std::mutex mutex_;
  Instant began_;                       // of the present window
  Counts present_{};                    // calls by how long they took
  Counts last_{};                       // of the window before
  std::uint32_t since_ = 0;             // calls since the percentile was found
  Duration percentile_{};               // zero: too few calls
  std::uint32_t tenths_ = 10 * kSaved;  // of calls that may be made
};

}  // namespace mas::object
