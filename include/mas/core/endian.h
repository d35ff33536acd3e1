// Little-endian integers in byte buffers: the byte order of every format mas stores.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "mas/core/bytes.h"

namespace mas {

static_assert(std::endian::native == std::endian::little, "stored formats assume little-endian");

// Reads consecutive values; any read past the end makes ok() false for good and yields zeros.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  template <class T>
  requires std::is_trivially_copyable_v<T> T read() {
    T value{};
    if (ByteView raw = take(sizeof(T)); raw.size() == sizeof(T)) {
      std::memcpy(&value, raw.data(), sizeof(T));
    }
    return value;
  }
  // The next `size` bytes, or nothing.
  ByteView take(std::size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    ByteView piece = rest_.first(size);
    rest_ = rest_.subspan(size);
    return piece;
  }
  // A string written by ByteWriter::text.
  std::string text() {
    auto size = read<std::uint32_t>();
    return std::string(as_text(take(size)));
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return ok_ && rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

// Appends values to a string of bytes.
class ByteWriter {
 public:
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void write(const T& value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T)); }
  void raw(ByteView bytes) { bytes_.append(as_text(bytes)); }
  void text(std::string_view text) {
    write(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace mas
