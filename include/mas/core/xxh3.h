// XXH3, the checksum of every format of mas: whole, over joined pieces, and fed piece by piece. All
// through the library's run-time dispatching build, more than twice as fast as its plain functions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "mas/core/bytes.h"
#include "mas/core/ids.h"

namespace mas {

// XXH3-64.
[[nodiscard]] std::uint64_t xxh3_64(ByteView bytes, std::uint64_t seed = 0);

// XXH3-128, seed 0, canonical byte order; of the pieces as if they were joined.
[[nodiscard]] Sum128 xxh3_128(ByteView bytes);
[[nodiscard]] Sum128 xxh3_128(std::span<const Slice> pieces);

// The same as xxh3_128, fed piece by piece.
class Xxh3 {
 public:
  Xxh3();
  ~Xxh3();
  Xxh3(Xxh3&&) noexcept;
  Xxh3& operator=(Xxh3&&) noexcept;
  void update(ByteView bytes);
  // Of all bytes so far; the object may go on being updated.
  [[nodiscard]] Sum128 digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mas
