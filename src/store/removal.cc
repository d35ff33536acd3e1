#include "store/removal.h"

#include <algorithm>
#include <utility>

namespace mas::store {
namespace {

// Whether it may hold `key`, the volume having stopped. Of one that writes the writer asks: a look
// would not see what is queued.
bool may_hold(Volume& stopped, const RecordKey& key) {
  Location location;
  return stopped.writer().may_hold(key) ||
         stopped.catalog().index().find_cached(key, location) != Lookup::absent;
}

std::vector<PendingRecord> tombstones_of(Volume& volume, const std::vector<RecordKey>& keys) {
  std::vector<PendingRecord> tombstones;
  for (const RecordKey& key : keys) {
    if (volume.is_stopped() && !may_hold(volume, key)) continue;
    PendingRecord& tombstone = tombstones.emplace_back();
    tombstone.key = key;
    tombstone.type = RecordType::tombstone;
    tombstone.when = When::key_present;
  }
  return tombstones;
}

}  // namespace

Task<Result<void>> remove_from(const std::vector<std::unique_ptr<Volume>>& volumes,
                               std::vector<RecordKey> keys) {
  Result<void> refused;
  Result<void> kept;
  for (const auto& volume : volumes) {
    std::vector<PendingRecord> tombstones = tombstones_of(*volume, keys);
    if (tombstones.empty()) continue;
    Result<void> removed = co_await volume->write(std::move(tombstones));
    if (removed.has_value()) continue;
    // Also what stops just now.
    if (volume->is_healthy()) {
      if (refused.has_value()) refused = std::move(removed);
      continue;
    }
    volume->note_kept();
    kept = std::move(removed);
  }
  if (refused.has_error()) co_return refused;
  const bool any_writes = std::any_of(volumes.begin(), volumes.end(),
                                      [](const auto& volume) { return volume->is_healthy(); });
  if (any_writes) co_return Result<void>();
  co_return kept;
}

}  // namespace mas::store
