#include "object/repair_queue.h"

namespace mas::object {

void RepairQueue::push(Hint hint) {
  // One entry for all shards of a stripe, or all copies of a manifest.
  hint.key.minor = 0;
  std::lock_guard lock(mutex_);
  if (hints_.size() >= kMost || !keys_.insert(hint.key).second) return;
  hints_.push_back(std::move(hint));
}

std::optional<Hint> RepairQueue::pop() {
  std::lock_guard lock(mutex_);
  if (hints_.empty()) return std::nullopt;
  Hint hint = std::move(hints_.front());
  hints_.pop_front();
  keys_.erase(hint.key);
  return hint;
}

}  // namespace mas::object
