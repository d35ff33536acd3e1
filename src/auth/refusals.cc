#include "auth/refusals.h"

#include <algorithm>
#include <utility>

#include "mas/core/network.h"

namespace mas::auth {

Refusals::Bucket Refusals::filled(Bucket bucket, Instant now) const {
  double passed = std::chrono::duration<double>(now - bucket.at).count();
  return {std::min(per_second_, bucket.left + std::max(0.0, passed) * per_second_), now};
}

Refusals::Bucket Refusals::look_up(const std::string& address, Instant now) const {
  for (const Map* map : {&young_, &old_}) {
    if (auto it = map->find(address); it != map->end()) return filled(it->second, now);
  }
  return {per_second_, now};
}

bool Refusals::count(std::string_view address) {
  Instant now = clock_.now();
  std::string key = network_of(address);
  std::lock_guard lock(mutex_);
  Bucket bucket = look_up(key, now);
  bool allowed = bucket.left >= 1;
  if (allowed) bucket.left -= 1;
  if (young_.size() >= addresses_ && !young_.contains(key)) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_[std::move(key)] = bucket;
  return allowed;
}

}  // namespace mas::auth
