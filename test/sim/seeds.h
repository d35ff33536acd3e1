// Seeds that found a bug of mas once. They run with every batch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mas::sim {

struct KeptSeed {
  std::uint64_t seed;
  std::size_t pods;  // 0: by seed
  const char* found;
};

inline constexpr std::array<KeptSeed, 0> kKeptSeeds{};

}  // namespace mas::sim
