#include "store/unreadable.h"

namespace mas::store {
namespace {

constexpr std::size_t kMostRecords = 65'536;
constexpr Duration kLookAgain = std::chrono::seconds(1);

}  // namespace

bool Unreadable::hides(const RecordKey& key, const Location& location) const {
  if (gone_) return true;
  if (!any_) return false;
  std::lock_guard lock(mutex_);
  if (segments_.count(location.segment) != 0) return true;
  auto entry = records_.find(key);
  return entry != records_.end() && entry->second == location;
}

bool Unreadable::has_vanished(std::uint64_t segment) const {
  if (!any_) return false;
  std::lock_guard lock(mutex_);
  return segments_.count(segment) != 0;
}

bool Unreadable::add_record(const RecordKey& key, const Location& location) {
  std::lock_guard lock(mutex_);
  auto entry = records_.find(key);
  if (entry != records_.end()) {
    if (entry->second == location) return false;
    entry->second = location;
    return true;
  }
  if (records_.size() >= kMostRecords) return false;
  records_.emplace(key, location);
  any_ = true;
  return true;
}

bool Unreadable::drop_record(const RecordKey& key) {
  if (!any_) return false;
  std::lock_guard lock(mutex_);
  return records_.erase(key) != 0;
}

bool Unreadable::add_segment(std::uint64_t number) {
  std::lock_guard lock(mutex_);
  any_ = true;
  return segments_.insert(number).second;
}

bool Unreadable::set_gone(bool gone) {
  std::lock_guard lock(mutex_);
  if (gone) looked_ = clock_.now();
  // Before it shows: who sees it back afterwards sees the count too.
  if (gone && !gone_) ++times_gone_;
  return gone_.exchange(gone) != gone;
}

bool Unreadable::look_again() {
  if (!gone_) return false;
  std::lock_guard lock(mutex_);
  if (clock_.now() - looked_ < kLookAgain) return false;
  looked_ = clock_.now();
  return true;
}

}  // namespace mas::store
