// A request body with its limits: what was declared must come, and no more than is allowed.
#pragma once

#include <cstdint>
#include <optional>

#include "mas/runtime/byte_stream.h"
#include "object/context.h"

namespace mas::object {

class BodyReader {
 public:
  BodyReader(ByteSource& source, std::optional<std::uint64_t> declared, std::uint64_t max_size)
      : source_(source), declared_(declared), max_size_(max_size) {}

  // Fills `into` to its end, or to the end of the body if that comes first. Errors: wrong_length,
  // body_too_large, those of the source.
  Task<Result<std::size_t>> fill(MutableBytes into);
  // True as soon as the end has been seen; with a declared size, right after its last byte.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  // so far
  [[nodiscard]] std::optional<std::uint64_t> declared() const noexcept { return declared_; }
  // An upper bound of what is still to come.
  [[nodiscard]] std::uint64_t at_most() const noexcept {
    return declared_.value_or(max_size_) - size_;
  }

 private:
  Result<void> check() const;
  Result<void> at_end();

  ByteSource& source_;
  std::optional<std::uint64_t> declared_;
  std::uint64_t max_size_;
  std::uint64_t size_ = 0;
  bool ended_ = false;
};

// One stripe's worth of a body, in memory that is paid for.
struct Piece {
  Permit permit;
  Buffer buffer;
  std::size_t size = 0;
};

// The first piece of a body, and the size of stripes that the rest is cut into.
struct Head {
  Piece piece;
  std::uint32_t stripe_size = 0;
  bool large = false;  // the permit is of the large budget
};

// Reads the first stripe of `body`, or all of it if it is shorter: into a small buffer first, so
// that a sender who is slow to begin holds little, then into a stripe buffer if one is free.
// Errors: busy, those of BodyReader::fill.
Task<Result<Head>> read_head(Context& context, BodyReader& body, const Profile& profile);

// Memory that a stripe of `size` plain bytes takes with its parity.
[[nodiscard]] std::uint64_t memory_of(std::uint64_t size, const Profile& profile);

}  // namespace mas::object
