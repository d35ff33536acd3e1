// What readers and scrub found missing or wrong, waiting to be repaired.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <set>

#include "mas/object/repair.h"

namespace mas::object {

// Thread-safe. Each stripe or object stands in it once.
class RepairQueue {
 public:
  // Forgotten if the queue is full or holds it already.
  void push(Hint hint);
  [[nodiscard]] std::optional<Hint> pop();

 private:
  static constexpr std::size_t kMost = 1024;

  std::mutex mutex_;
  std::deque<Hint> hints_;
  std::set<RecordKey> keys_;
};

}  // namespace mas::object
