#include "object/skip_list.h"

#include <algorithm>

namespace mas::object {

bool SkipList::add(layout::MemberIndex member, std::size_t members) {
  if (skip_for_ == Duration(0)) return false;
  const Instant now = clock_.now();
  std::lock_guard lock(mutex_);
  std::erase_if(until_, [&](const auto& entry) { return entry.second <= now; });
  auto at = std::find_if(until_.begin(), until_.end(),
                         [&](const auto& entry) { return entry.first == member; });
  if (at != until_.end()) {
    at->second = now + skip_for_;
    return true;
  }
  if (until_.size() >= std::max<std::size_t>(members / 3, 1)) return false;
  until_.emplace_back(member, now + skip_for_);
  any_ = true;
  return true;
}

bool SkipList::contains(layout::MemberIndex member) const {
  // As a rule there is nobody.
  if (!any_.load(std::memory_order_relaxed)) return false;
  const Instant now = clock_.now();
  std::lock_guard lock(mutex_);
  return std::any_of(until_.begin(), until_.end(), [&](const auto& entry) {
    return entry.first == member && entry.second > now;
  });
}

}  // namespace mas::object
