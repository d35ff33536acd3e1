// Random numbers behind an interface; the real one is the kernel's generator, fit for ids and keys.
#pragma once

#include <cstdint>
#include <memory>

#include "mas/core/ids.h"

namespace mas {

class Rng {
 public:
  virtual ~Rng() = default;
  // Thread-safe.
  virtual void fill(MutableBytes out) = 0;

  [[nodiscard]] std::uint64_t u64();
  [[nodiscard]] Id128 id();
};

[[nodiscard]] std::unique_ptr<Rng> make_system_rng();
// The same sequence for the same seed (xoshiro256**); for tests and simulation.
[[nodiscard]] std::unique_ptr<Rng> make_seeded_rng(std::uint64_t seed);

}  // namespace mas
