// Latencies in bounded memory: buckets that grow by 1 %, so a percentile is right within 1 %.
#pragma once

#include <array>
#include <cstdint>

#include "mas/core/units.h"

namespace mas::app {

class Samples {
 public:
  void add(Duration latency);
  void merge(const Samples& other);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] Duration max() const noexcept { return max_; }
  // The latency that `share` (0 to 1) of the samples do not exceed; zero without samples.
  [[nodiscard]] Duration percentile(double share) const;

 private:
  // From 1 us to over an hour.
  static constexpr std::size_t kBuckets = 2304;
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  Duration max_{};
};

}  // namespace mas::app
