// The numbers that order a key's records: given once, growing over all directories of a pod.
//
// Every directory keeps a bound above all numbers ever given in the set, so that they go on growing
// when a directory, or a part of one, cannot be read: else a record that was written or removed
// meanwhile would lose against an older one that comes back with that disk. The bound is raised a
// block at a time: a small file in each directory once in a million records.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

#include "mas/core/result.h"

namespace mas::store {

inline constexpr std::uint64_t kVersionBlock = 1 << 20;
// What is left out above all that is known where something cannot be read and no directory keeps a
// bound (written by 0.1.0): more records than any disk holds.
inline constexpr std::uint64_t kVersionGap = std::uint64_t{1} << 40;

class Versions {
 public:
  // Makes `bound` durable in the directories of the set. Blocking. Errors: io, disk_full.
  using Keep = std::function<Result<void>(std::uint64_t bound)>;

  // Before anything is taken. `next`: the first number to give; `bound`: what is kept already.
  void begin(std::uint64_t next, std::uint64_t bound, Keep keep);

  // The first of `count` numbers. Rarely blocking. Errors: those of `keep`.
  Result<std::uint64_t> take(std::uint64_t count);
  // Every number given so far is lower.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_.load(); }

  // The bound to keep where `next` is the next number to give and `bound` is kept already.
  [[nodiscard]] static std::uint64_t bound_for(std::uint64_t next, std::uint64_t bound) noexcept;

 private:
  std::mutex mutex_;
  std::atomic<std::uint64_t> next_{1};
  std::uint64_t bound_ = 0;
  Keep keep_;
};

}  // namespace mas::store
