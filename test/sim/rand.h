// The one source of chance of a simulation: the same seed gives the same run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mas/core/units.h"

namespace mas::sim {

// SplitMix64: small, and good enough to choose faults by.
class Rand {
 public:
  explicit Rand(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // 0 to n - 1; n is not 0.
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  bool chance(double likelihood) {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < likelihood;
  }
  Duration between(Duration least, Duration most) {
    auto width = static_cast<std::uint64_t>((most - least).count()) + 1;
    return least + Duration(static_cast<std::int64_t>(below(width)));
  }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  // Another stream, so that more draws in one place do not shift all others.
  Rand fork() { return Rand(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace mas::sim
