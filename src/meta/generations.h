// Generations out of a block whose end is stored before its first number is given, so that a number
// costs no sync of its own and none is ever given twice: what a stop leaves of a block is lost.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

namespace mas::meta {

class GenerationBlock {
 public:
  // Numbers reserved in one write.
  static constexpr std::uint64_t kReserve = 4096;

  // The first of `count` (at least 1) numbers, all above `known`; nullopt if the block has fewer
  // left.
  std::optional<std::uint64_t> take(std::uint64_t known, std::uint64_t count) {
    std::lock_guard lock(mutex_);
    if (count == 0 || next_ > end_ || end_ - next_ < count) return std::nullopt;
    if (next_ <= known) return std::nullopt;
    std::uint64_t first = next_;
    next_ += count;
    return first;
  }
  // The block [first, first + size) was stored for a caller who needs `count`; gives it the first
  // of them. Of two blocks reserved at once the later serves on: numbers grow.
  std::uint64_t install(std::uint64_t first, std::uint64_t size, std::uint64_t count) {
    std::lock_guard lock(mutex_);
    if (first >= end_) {
      next_ = first + count;
      end_ = first + size;
    }
    return first;
  }

 private:
  std::mutex mutex_;
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace mas::meta
