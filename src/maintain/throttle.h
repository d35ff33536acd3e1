// How long background work rests between steps, so that requests hardly notice it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "mas/core/units.h"

namespace mas::maintain {

// Nothing while requests take at most half as long again as usual; then more, up to two seconds.
[[nodiscard]] inline Duration breather(double strain) {
  std::chrono::duration<double> rest((std::min(strain, 100.0) - 1.5) * 0.05);
  auto whole = std::chrono::duration_cast<Duration>(rest);
  return std::clamp<Duration>(whole, Duration(0), std::chrono::seconds(2));
}

// What `bytes` at `rate` bytes a second take.
[[nodiscard]] inline Duration time_of(std::uint64_t bytes, std::uint64_t rate) {
  std::chrono::duration<double> seconds(static_cast<double>(bytes) /
                                        static_cast<double>(std::max<std::uint64_t>(rate, 1)));
  return std::chrono::duration_cast<Duration>(seconds);
}

}  // namespace mas::maintain
