#include "observe/rate_limit.h"

namespace mas::log {

namespace {
constexpr auto kPeriod = std::chrono::minutes(1);
}  // namespace

bool OncePerMinute::allow(std::string_view key, Time now) {
  std::lock_guard lock(mutex_);
  auto found = last_.find(key);
  if (found != last_.end()) {
    if (now - found->second < kPeriod) return false;
    found->second = now;
    return true;
  }
  if (last_.size() >= kMaxKeys) forget_old(now);
  if (last_.size() >= kMaxKeys) return false;
  last_.emplace(key, now);
  return true;
}

std::size_t OncePerMinute::size() const {
  std::lock_guard lock(mutex_);
  return last_.size();
}

void OncePerMinute::forget_old(Time now) {
  std::erase_if(last_, [now](const auto& entry) { return now - entry.second >= kPeriod; });
}

}  // namespace mas::log
