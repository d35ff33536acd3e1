// What readers and scrub found missing or wrong, waiting to be repaired.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "mas/object/repair.h"
#include "mas/runtime/clock.h"

namespace mas::object {

// Thread-safe. Each stripe or object stands in it once.
class RepairQueue {
 public:
  // Forgotten if the queue is full or holds it already.
  void push(Hint hint);
  // The same of what cannot be repaired before `due`: a holder is silent. Later calls name later
  // times.
  void push_later(Hint hint, Instant due);
  [[nodiscard]] std::optional<Hint> pop(Instant now);

 private:
  static constexpr std::size_t kMost = 1024;

  // Whether there is room for `hint`, which is then listed.
  bool admit(Hint& hint);

  std::mutex mutex_;
  std::deque<Hint> hints_;
  std::deque<std::pair<Instant, Hint>> later_;
  std::set<RecordKey> keys_;
};

}  // namespace mas::object
