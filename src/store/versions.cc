#include "store/versions.h"

#include "mas/observe/log.h"

namespace mas::store {

void Versions::begin(std::uint64_t next, std::uint64_t bound, Keep keep) {
  std::lock_guard lock(mutex_);
  next_ = next;
  bound_ = bound;
  keep_ = std::move(keep);
}

std::uint64_t Versions::bound_for(std::uint64_t next, std::uint64_t bound) noexcept {
  return next + kVersionBlock / 2 < bound ? bound : next + kVersionBlock;
}

Result<std::uint64_t> Versions::take(std::uint64_t count) {
  std::lock_guard lock(mutex_);
  const std::uint64_t first = next_;
  const std::uint64_t wanted = bound_for(first + count, bound_);
  if (wanted != bound_) {
    Result<void> kept = keep_(wanted);
    if (kept.has_value()) {
      bound_ = wanted;
    } else if (first + count > bound_) {
      return kept.error();
    } else if (log::once_a_minute("store versions")) {
      log::warn("store.versions_not_kept", {{"bound", wanted}, {"error", kept.error()}});
    }
  }
  next_ = first + count;
  return first;
}

}  // namespace mas::store
