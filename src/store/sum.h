// XXH3 sums of the store's formats, through the run-time dispatching build.
#pragma once

#include <cstdint>
#include <span>

#include "mas/core/bytes.h"
#include "mas/core/ids.h"

namespace mas::store {

// XXH3-128, seed 0, canonical byte order, of the pieces joined.
[[nodiscard]] Sum128 sum128(std::span<const Slice> pieces);
[[nodiscard]] Sum128 sum128(ByteView bytes);

// XXH3-64 with a seed.
[[nodiscard]] std::uint64_t sum64(ByteView bytes, std::uint64_t seed);

// The same as sum128, fed piece by piece.
class RunningSum {
 public:
  RunningSum();
  ~RunningSum();
  RunningSum(const RunningSum&) = delete;
  RunningSum& operator=(const RunningSum&) = delete;
  void update(ByteView bytes);
  [[nodiscard]] Sum128 digest() const;

 private:
  void* state_;  // XXH3_state_t, whose header stays in the .cc
};

}  // namespace mas::store
