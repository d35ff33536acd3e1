#include "auth/redis/health.h"

namespace mas::auth::redis {

std::optional<Error> Health::verdict() const {
  if (!down_.load(std::memory_order_acquire)) return std::nullopt;
  std::lock_guard lock(mutex_);
  return answer_;
}

bool Health::went_down(Era era, const Error& answer) {
  std::lock_guard lock(mutex_);
  if (down_.load(std::memory_order_relaxed) || era != era_.load(std::memory_order_relaxed)) {
    return false;
  }
  answer_ = answer;
  down_.store(true, std::memory_order_release);
  return true;
}

void Health::still_down(const Error& answer) {
  std::lock_guard lock(mutex_);
  answer_ = answer;
}

void Health::came_back() {
  std::lock_guard lock(mutex_);
  era_.fetch_add(1, std::memory_order_release);
  down_.store(false, std::memory_order_release);
}

}  // namespace mas::auth::redis
