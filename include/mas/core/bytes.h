// Views of bytes, and reference-counted aligned buffers that cross threads and modules without
// copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mas {

using ByteView = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// Alignment of every Buffer: what O_DIRECT and Jerasure ask for.
inline constexpr std::size_t kBlockSize = 4096;

[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t value,
                                               std::uint64_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(ByteView bytes);
// Fills `out` from exactly 2 * out.size() hex digits of either case; false if `text` is anything
// else.
[[nodiscard]] bool from_hex(std::string_view text, MutableBytes out) noexcept;

// True if equal, in time that depends on the lengths only.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b) noexcept;

// A read-only piece of bytes that keeps its memory alive. Cheap to copy; safe to pass between
// threads.
class Slice {
 public:
  Slice() = default;
  Slice(std::shared_ptr<const void> owner, ByteView view) : owner_(std::move(owner)), view_(view) {}
  // A slice with a copy of `bytes` of its own.
  [[nodiscard]] static Slice copy_of(ByteView bytes);

  [[nodiscard]] ByteView view() const noexcept { return view_; }
  [[nodiscard]] const std::uint8_t* data() const noexcept { return view_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }
  [[nodiscard]] bool empty() const noexcept { return view_.empty(); }
  // The piece [offset, offset + length) of this slice; asserts that it lies inside.
  [[nodiscard]] Slice sub(std::size_t offset, std::size_t length) const;

 private:
  std::shared_ptr<const void> owner_;
  ByteView view_;
};

// Writable memory, aligned to kBlockSize, capacity a multiple of it. Move-only: one writer at a
// time. freeze() turns it into Slices that many may read.
class Buffer {
 public:
  Buffer() = default;
  // Allocates round_up(size, kBlockSize) bytes, not cleared.
  [[nodiscard]] static Buffer allocate(std::size_t size);

  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) noexcept = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] std::uint8_t* data() const noexcept { return memory_.get(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] MutableBytes bytes() const noexcept { return {memory_.get(), capacity_}; }
  [[nodiscard]] explicit operator bool() const noexcept { return memory_ != nullptr; }
  // The first `size` bytes as a Slice that shares this memory; the buffer gives it up.
  [[nodiscard]] Slice freeze(std::size_t size) &&;

 private:
  friend class BufferPool;
  std::shared_ptr<std::uint8_t> memory_;
  std::size_t capacity_ = 0;
};

// Recycles buffers of one size, so that large ones are not mapped and cleared by the kernel for
// each stripe. Thread-safe. It bounds what it keeps idle, not what is in use: callers hold a budget
// for that (runtime::Semaphore).
class BufferPool {
 public:
  // Buffers of `buffer_size` bytes; at most `max_idle` of them are kept when free.
  BufferPool(std::size_t buffer_size, std::size_t max_idle);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Contents are whatever was there before.
  [[nodiscard]] Buffer get();
  [[nodiscard]] std::size_t buffer_size() const noexcept { return buffer_size_; }

 private:
  struct Shelf;
  std::size_t buffer_size_;
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace mas
