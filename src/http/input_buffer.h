// Bytes read from a connection ahead of what was asked for: heads, chunk framing, pipelined
// requests.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include "mas/core/bytes.h"

namespace mas::http {

class InputBuffer {
 public:
  // What an idle connection holds on to.
  static constexpr std::size_t kIdleSize = 4096;

  [[nodiscard]] ByteView pending() const noexcept {
    return {memory_.get() + begin_, end_ - begin_};
  }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

  void consume(std::size_t size) noexcept {
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Moves what fits into `into`; returns how much.
  std::size_t take(MutableBytes into) noexcept {
    std::size_t size = std::min(into.size(), end_ - begin_);
    if (size > 0) std::memcpy(into.data(), memory_.get() + begin_, size);
    consume(size);
    return size;
  }

  // Memory to read into, at least one byte: doubles when full. Callers bound what they leave
  // pending.
  [[nodiscard]] MutableBytes room() {
    if (end_ == capacity_ && begin_ > 0) {
      std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == capacity_) resize(capacity_ == 0 ? kIdleSize : capacity_ * 2);
    return {memory_.get() + end_, capacity_ - end_};
  }
  void filled(std::size_t size) noexcept { end_ += size; }

  // Gives back what grew, if nothing is pending.
  void trim() {
    if (empty() && capacity_ > kIdleSize) {
      memory_.reset();
      capacity_ = 0;
    }
  }

 private:
  void resize(std::size_t capacity) {
    auto memory = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
    if (end_ > 0) std::memcpy(memory.get(), memory_.get(), end_);
    memory_ = std::move(memory);
    capacity_ = capacity;
  }

  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace mas::http
