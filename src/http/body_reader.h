// A message's body taken out of a connection: by length, chunked, or up to the end of the
// connection.
#pragma once

#include <cstdint>
#include <optional>

#include "http/chunk_framing.h"
#include "http/input_buffer.h"
#include "mas/runtime/byte_stream.h"

namespace mas::http {

// Bytes read ahead come first, the rest goes from the connection straight into the caller's memory.
// Never reads beyond the body's own bytes except into `ahead`.
class BodyReader final : public ByteSource {
 public:
  enum class Framing { length, chunked, until_end };

  BodyReader(ByteSource& connection, InputBuffer& ahead, Framing framing, std::uint64_t length)
      : connection_(connection), ahead_(ahead), framing_(framing), left_(length) {}

  // Errors: body_unreadable (ended too early, malformed chunk), those of the connection.
  Task<Result<std::size_t>> read(MutableBytes into) override;
  [[nodiscard]] bool ready() override;

  // Whether the last byte was taken. May find a chunked body's end in what was read ahead.
  [[nodiscard]] bool complete();
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // Bytes still to come; nullopt if only the sender knows.
  [[nodiscard]] std::optional<std::uint64_t> left() const noexcept;
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

 private:
  Task<Result<std::size_t>> read_some(MutableBytes into);
  Task<Result<void>> read_framing();
  [[nodiscard]] Result<void> parse_ahead();

  ByteSource& connection_;
  InputBuffer& ahead_;
  Framing framing_;
  std::uint64_t left_;  // with Framing::length
  std::uint64_t taken_ = 0;
  ChunkFraming chunks_;
  bool ended_ = false;  // with Framing::until_end
  bool failed_ = false;
};

}  // namespace mas::http
