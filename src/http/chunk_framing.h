// Chunked transfer coding (RFC 9112, section 7.1), its framing only: data bytes are left to the
// caller, who may move them without a copy.
#pragma once

#include <cstdint>

#include "mas/core/bytes.h"
#include "mas/core/result.h"

namespace mas::http {

// Usage: while not done(): if data_left() > 0 move up to that many bytes and call took(); else give
// bytes to parse() until one of the two is the case.
class ChunkFraming {
 public:
  static constexpr std::size_t kMaxSizeLine = 1024;      // a size with its extensions
  static constexpr std::size_t kMaxTrailers = 8 * 1024;  // all trailer fields

  // Consumes framing from the front of `bytes` and returns how many; stops where data begins and at
  // the end of the body. Errors: body_unreadable.
  [[nodiscard]] Result<std::size_t> parse(ByteView bytes);

  [[nodiscard]] std::uint64_t data_left() const noexcept { return data_left_; }
  void took(std::uint64_t size) noexcept { data_left_ -= size; }
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }

 private:
  enum class State {
    size,
    blanks,  // after a size, before its extension
    extension,
    size_lf,
    data_cr,
    data_lf,
    trailer_name,
    trailer_value,
    trailer_lf,
    done
  };
  [[nodiscard]] Result<void> step(std::uint8_t byte);
  [[nodiscard]] Result<void> size_byte(std::uint8_t byte);
  [[nodiscard]] Result<void> trailer_byte(std::uint8_t byte);
  void end_of_size_line();

  State state_ = State::size;
  std::uint64_t data_left_ = 0;
  std::uint64_t size_ = 0;
  int digits_ = 0;
  std::size_t line_bytes_ = 0;  // of the size line, or of the trailer line
  std::size_t trailer_bytes_ = 0;
};

}  // namespace mas::http
