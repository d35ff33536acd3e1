#include "http/chunk_framing.h"

#include <string>

#include "http/header_tokens.h"

namespace mas::http {
namespace {

constexpr int kMaxDigits = 15;  // keeps sizes below 2^60

int hex_digit(std::uint8_t c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(std::uint8_t c) noexcept { return (c < 0x20 && c != '\t') || c == 0x7f; }

Error bad_chunk(const char* what) {
  return {Code::body_unreadable, std::string("The chunked body is malformed: ") + what + "."};
}

}  // namespace

Result<std::size_t> ChunkFraming::parse(ByteView bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::done && data_left_ == 0) {
    MAS_CHECK(step(bytes[used]));
    ++used;
  }
  return used;
}

Result<void> ChunkFraming::step(std::uint8_t byte) {
  switch (state_) {
    case State::size:
    case State::blanks:
    case State::extension:
      return size_byte(byte);
    case State::size_lf:
      if (byte != '\n') return bad_chunk("a chunk's size must end in CR LF");
      end_of_size_line();
      return {};
    case State::data_cr:
      if (byte != '\r') return bad_chunk("a chunk's data is longer than its size says");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (byte != '\n') return bad_chunk("a chunk's data must end in CR LF");
      state_ = State::size;
      return {};
    case State::trailer_name:
    case State::trailer_value:
      return trailer_byte(byte);
    case State::trailer_lf:
      if (byte != '\n') return bad_chunk("a trailer must end in CR LF");
      state_ = line_bytes_ == 0 ? State::done : State::trailer_name;
      line_bytes_ = 0;
      return {};
    case State::done:
      break;
  }
  return {};
}

Result<void> ChunkFraming::size_byte(std::uint8_t byte) {
  if (++line_bytes_ > kMaxSizeLine) return bad_chunk("a chunk's extensions are too long");
  if (byte == '\r' && state_ != State::blanks) {
    if (digits_ == 0) return bad_chunk("a chunk has no size");
    state_ = State::size_lf;
    return {};
  }
  if (state_ == State::extension) {
    if (is_control(byte)) return bad_chunk("a chunk's extension holds a control character");
    return {};
  }
  int value = hex_digit(byte);
  if (value >= 0 && state_ == State::size) {
    if (++digits_ > kMaxDigits) return bad_chunk("a chunk's size is too large");
    size_ = size_ * 16 + static_cast<std::uint64_t>(value);
    return {};
  }
  bool blank = byte == ' ' || byte == '\t';
  if (digits_ == 0 || !(blank || byte == ';')) {
    return bad_chunk("a chunk's size must be hexadecimal, and only extensions may follow it");
  }
  // Blanks belong to the extension after them: "5 5" and "5 " are sizes to one reader and none to
  // another.
  state_ = blank ? State::blanks : State::extension;
  return {};
}

void ChunkFraming::end_of_size_line() {
  // The last chunk has size 0: trailers follow it, then an empty line.
  state_ = size_ == 0 ? State::trailer_name : State::data_cr;
  data_left_ = size_;
  size_ = 0;
  digits_ = 0;
  line_bytes_ = 0;
}

Result<void> ChunkFraming::trailer_byte(std::uint8_t byte) {
  if (++trailer_bytes_ > kMaxTrailers) return bad_chunk("its trailers are too long");
  if (byte == '\r') {
    bool is_field = state_ == State::trailer_value || line_bytes_ == 0;
    if (!is_field) return bad_chunk("a trailer is no header field");
    state_ = State::trailer_lf;
    return {};
  }
  if (state_ == State::trailer_value) {
    if (is_control(byte)) return bad_chunk("a trailer holds a control character");
  } else if (byte == ':' && line_bytes_ > 0) {
    state_ = State::trailer_value;
  } else if (!is_token_char(static_cast<char>(byte))) {
    // A folded line too: it would begin with a blank.
    return bad_chunk("a trailer is no header field");
  }
  ++line_bytes_;
  return {};
}

}  // namespace mas::http
