#include "object/repair_queue.h"

namespace mas::object {

bool RepairQueue::admit(Hint& hint) {
  // One entry for all shards of a stripe, or all copies of a manifest.
  hint.key.minor = 0;
  return hints_.size() + later_.size() < kMost && keys_.insert(hint.key).second;
}

void RepairQueue::push(Hint hint) {
  std::lock_guard lock(mutex_);
  if (admit(hint)) hints_.push_back(hint);
}

void RepairQueue::push_later(Hint hint, Instant due) {
  std::lock_guard lock(mutex_);
  if (admit(hint)) later_.emplace_back(due, hint);
}

std::optional<Hint> RepairQueue::pop(Instant now) {
  std::lock_guard lock(mutex_);
  std::optional<Hint> hint;
  if (!later_.empty() && later_.front().first <= now) {
    hint = later_.front().second;
    later_.pop_front();
  } else if (!hints_.empty()) {
    hint = hints_.front();
    hints_.pop_front();
  }
  if (hint) keys_.erase(hint->key);
  return hint;
}

}  // namespace mas::object
