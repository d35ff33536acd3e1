// The volumes of a pod as one store: which volume a key goes to, and where it is found.
#include "mas/store/store.h"

#include <algorithm>

#include "mas/core/xxh3.h"
#include "mas/observe/log.h"
#include "mas/runtime/offload.h"
#include "mas/runtime/sync.h"
#include "store/keep_versions.h"
#include "store/removal.h"
#include "store/scrub.h"
#include "store/show_usage.h"
#include "store/volume.h"

namespace mas::store {
namespace {

// Payloads from this size on are summed in the pool, not on the io thread.
constexpr std::uint64_t kSumInPool = 64 * 1024;
// A segment may be compacted away between a look-up and the read; each time the index knows better.
constexpr int kReadAttempts = 4;
// Of one step of scrub, so that what it found is reported soon.
constexpr std::size_t kMostDamaged = 64;

Error not_found() { return Error(Code::not_found, "There is no such record."); }
Error closed() { return Error(Code::closed, "The store is being closed."); }

class StoreImpl final : public Store, public HasDirectories {
 public:
  StoreImpl(const config::Store& options, const Directories& directories,
            const Dependencies& dependencies)
      : options_(options),
        dependencies_(dependencies),
        instruments_(dependencies.metrics),
        set_(dependencies_, directories),
        directories_(directories.paths.size()) {}

  Result<void> open();

  Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) override;
  Task<Result<void>> remove(std::vector<RecordKey> keys) override;
  Task<Result<Slice>> read(RecordKey key, std::uint64_t offset, std::uint32_t length) override;
  Task<Result<RecordInfo>> stat(RecordKey key) override;
  Task<Result<std::vector<RecordInfo>>> list(std::optional<RecordKey> after,
                                             std::size_t limit) override {
    return list_with(after, limit, false);
  }
  Task<Result<void>> quarantine(RecordKey key, std::uint64_t version) override;
  Task<Result<ScrubStep>> scrub(std::optional<RecordKey> from, std::uint64_t max_bytes) override;
  Task<Result<bool>> compact_one() override;
  Usage usage() const override;
  std::vector<std::string> absent() const override;
  Reach reach() const override;
  Task<Result<std::vector<RecordInfo>>> list_all(std::optional<RecordKey> after,
                                                 std::size_t limit) override {
    return list_with(after, limit, true);
  }
  Id128 incarnation() const override { return set_.id(); }
  Task<Result<void>> close() override;

 private:
  Result<void> open_volume(const VolumePaths& paths, const VolumeIdentity& identity,
                           std::unique_ptr<fs::FileLock> lock);
  [[nodiscard]] static bool is_hidden(const Found& found, const RecordKey& key) {
    return found.volume->unreadable().hides(key, found.location);
  }
  [[nodiscard]] std::string why_not_writable() const;
  // Only then is it worth a coroutine to ask some_disk().
  [[nodiscard]] bool has_gone() const {
    return std::any_of(volumes_.begin(), volumes_.end(),
                       [](const auto& volume) { return volume->unreadable().is_gone(); });
  }
  Task<Result<void>> some_disk();
  Lookup find_cached(const RecordKey& key, Found& found);
  Result<std::optional<Found>> find_blocking(const RecordKey& key);
  Task<Result<Found>> find(RecordKey key);
  Result<std::vector<std::pair<RecordKey, Found>>> list_blocking(const ListFrom& from,
                                                                 std::size_t limit);
  Result<std::vector<RecordInfo>> list_shown(std::optional<RecordKey> after, std::size_t limit,
                                             bool also_hidden);
  Task<Result<std::vector<RecordInfo>>> list_with(std::optional<RecordKey> after, std::size_t limit,
                                                  bool also_hidden);
  Task<Result<Volume*>> choose_with_room(RecordKey key, std::uint64_t bytes);
  Task<Result<void>> remove_elsewhere(RecordKey key, Volume* kept);

  const config::Store options_;
  const Dependencies dependencies_;
  Instruments instruments_;
  Versions versions_;
  VolumeSet set_;
  const std::size_t directories_;
  std::vector<std::unique_ptr<Volume>> volumes_;
  Gate gate_;
  std::shared_ptr<void> gauges_;
};

Result<void> StoreImpl::open() {
  MAS_TRY(std::vector<OpeningVolume> opening, set_.prepare());
  Error failure(Code::io, "No data directory can be used.");
  std::vector<VolumeIdentity> known;
  for (OpeningVolume& next : opening) {
    auto start = [&]() -> Result<void> {
      if (!next.identity) MAS_CHECK(set_.found(next));
      return open_volume(next.paths, *next.identity, std::move(next.lock));
    };
    if (Result<void> started = start(); started.has_error()) {
      failure = started.error().with_context(next.paths.directory);
      if (failure.code() != Code::io || directories_ == 1) return failure;
      set_.leave_out(next.paths.directory, failure);
      continue;
    }
    known.push_back(*next.identity);
    set_.note_open(next.identity->volume, next.paths.directory);
  }
  if (volumes_.empty()) return failure;
  MAS_CHECK(begin_versions(versions_, set_, dependencies_.fs, volumes_, known));
  for (const auto& volume : volumes_) volume->begin();
  gauges_ = show_usage(dependencies_.metrics, *this);
  return {};
}

Result<void> StoreImpl::open_volume(const VolumePaths& paths, const VolumeIdentity& identity,
                                    std::unique_ptr<fs::FileLock> lock) {
  for (const auto& other : volumes_) {
    if (other->id() == identity.volume) {
      return Error(Code::corrupt, "It is a copy of another data directory of this pod.");
    }
  }
  const VolumeContext context{options_, dependencies_, instruments_, versions_, directories_};
  MAS_TRY(auto volume, Volume::open(context, paths, identity.volume, std::move(lock)));
  volumes_.push_back(std::move(volume));
  return {};
}

Task<Result<Volume*>> StoreImpl::choose_with_room(RecordKey key, std::uint64_t bytes) {
  bool any_healthy = false;
  Volume* chosen = choose_volume(volumes_, key, bytes, any_healthy);
  if (!chosen && any_healthy) {
    // What is known of the room may be old.
    auto refresh = [this]() -> Result<void> {
      for (const auto& volume : volumes_) MAS_CHECK(volume->room().refresh_if_old());
      return {};
    };
    MAS_CO_CHECK(co_await offload(dependencies_.disk, refresh));
    chosen = choose_volume(volumes_, key, bytes, any_healthy);
  }
  if (chosen) co_return chosen;
  if (!any_healthy) co_return Error(Code::io, why_not_writable());
  instruments_.refused_full.add();
  if (log::once_a_minute("store full")) {
    log::warn("store.full", {{"why", "less is left than store.reserve"}, {"needed", bytes}});
  }
  co_return Error(Code::disk_full, "The disk is full; delete something or add room.");
}

Task<Result<void>> StoreImpl::put(RecordKey key, std::vector<Slice> pieces) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  std::uint64_t total = 0;
  for (const Slice& piece : pieces) total += piece.size();
  if (total == 0 || total > kMaxPayload) {
    co_return Error(Code::invalid_argument, "A record holds 1 byte to 128 MiB.");
  }
  PendingRecord record;
  record.key = key;
  record.length = static_cast<std::uint32_t>(total);
  MAS_CO_TRY(Volume * volume, co_await choose_with_room(key, footprint(record.length)));
  if (total < kSumInPool) {
    record.sum = xxh3_128(pieces);
  } else {
    auto sum = [&pieces]() -> Result<Sum128> { return xxh3_128(pieces); };
    MAS_CO_TRY(record.sum, co_await offload(dependencies_.disk, sum));
  }
  record.pieces = std::move(pieces);
  std::vector<PendingRecord> records;
  records.push_back(std::move(record));
  MAS_CO_CHECK(co_await volume->write(std::move(records)));
  if (volumes_.size() > 1) MAS_CO_CHECK(co_await remove_elsewhere(key, volume));
  co_return Result<void>();
}

// An older copy on another volume, from when this key's own was not healthy. One that cannot be
// removed now loses by its version.
Task<Result<void>> StoreImpl::remove_elsewhere(RecordKey key, Volume* kept) {
  for (const auto& volume : volumes_) {
    if (volume.get() == kept || !volume->is_healthy()) continue;
    Location location;
    if (volume->catalog().index().find_cached(key, location) == Lookup::absent) continue;
    PendingRecord tombstone;
    tombstone.key = key;
    tombstone.type = RecordType::tombstone;
    tombstone.when = When::key_present;
    std::vector<PendingRecord> records;
    records.push_back(std::move(tombstone));
    MAS_CO_CHECK(co_await volume->write(std::move(records)));
  }
  co_return Result<void>();
}

Task<Result<void>> StoreImpl::remove(std::vector<RecordKey> keys) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  auto removing = remove_from(volumes_, std::move(keys));
  co_return co_await std::move(removing);
}

Lookup StoreImpl::find_cached(const RecordKey& key, Found& found) {
  found.volume = nullptr;
  for (const auto& volume : volumes_) {
    if (volume->unreadable().is_gone()) continue;
    Location location;
    switch (volume->catalog().index().find_cached(key, location)) {
      case Lookup::would_block:
        return Lookup::would_block;
      case Lookup::absent:
        break;
      case Lookup::found:
        if (!found.volume || location.version > found.location.version) {
          found = {volume.get(), location};
        }
    }
  }
  // An older record elsewhere is not what was stored last.
  return found.volume && !is_hidden(found, key) ? Lookup::found : Lookup::absent;
}

Result<std::optional<Found>> StoreImpl::find_blocking(const RecordKey& key) {
  std::optional<Found> found;
  for (const auto& volume : volumes_) {
    if (volume->unreadable().is_gone()) continue;
    auto location = volume->catalog().index().find(key);
    if (location.has_error()) {
      if (volume->judge_gone(location.error())) continue;
      return location.error();
    }
    if (*location && (!found || (*location)->version > found->location.version)) {
      found = Found{volume.get(), **location};
    }
  }
  if (found && is_hidden(*found, key)) found.reset();
  return found;
}

Task<Result<Found>> StoreImpl::find(RecordKey key) {
  Found found;
  switch (find_cached(key, found)) {
    case Lookup::found:
      co_return found;
    case Lookup::absent:
      co_return not_found();
    case Lookup::would_block:
      break;
  }
  auto look = [this, &key] { return find_blocking(key); };
  MAS_CO_TRY(auto result, co_await offload(dependencies_.disk, look));
  if (has_gone()) {
    MAS_CO_CHECK(co_await some_disk());
  }
  if (!result) co_return not_found();
  co_return *result;
}

Task<Result<Slice>> StoreImpl::read(RecordKey key, std::uint64_t offset, std::uint32_t length) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  if (has_gone()) {
    MAS_CO_CHECK(co_await some_disk());
  }
  for (int attempt = 1;; ++attempt) {
    Found found;
    const Lookup cached = find_cached(key, found);
    if (cached == Lookup::absent) co_return not_found();
    if (cached == Lookup::would_block) {
      MAS_CO_TRY(found, co_await find(key));
    }
    Result<Slice> bytes = co_await found.volume->read(key, found.location, offset, length);
    const bool has_gone = bytes.has_error() && bytes.error().code() == Code::not_found;
    if (!has_gone) co_return bytes;
    if (attempt == kReadAttempts) {
      co_return Error(Code::io, "A record moves about.");
    }
  }
}

Task<Result<RecordInfo>> StoreImpl::stat(RecordKey key) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  if (has_gone()) {
    MAS_CO_CHECK(co_await some_disk());
  }
  MAS_CO_TRY(const Found found, co_await find(key));
  co_return RecordInfo{key, found.location.version, found.location.length};
}

Result<std::vector<std::pair<RecordKey, Found>>> StoreImpl::list_blocking(const ListFrom& from,
                                                                          std::size_t limit) {
  std::map<RecordKey, Found> merged;
  for (const auto& volume : volumes_) {
    if (volume->unreadable().is_gone()) continue;
    auto page = volume->catalog().index().list(from, limit);
    if (page.has_error()) {
      if (volume->judge_gone(page.error())) continue;
      return page.error();
    }
    for (const auto& [key, location] : *page) {
      Found& found = merged[key];
      if (!found.volume || location.version > found.location.version) {
        found = {volume.get(), location};
      }
    }
  }
  std::vector<std::pair<RecordKey, Found>> all(merged.begin(), merged.end());
  if (all.size() > limit) all.resize(limit);
  return all;
}

// A page is shorter than `limit` only at the end, whatever is hidden.
Result<std::vector<RecordInfo>> StoreImpl::list_shown(std::optional<RecordKey> after,
                                                      std::size_t limit, bool also_hidden) {
  std::vector<RecordInfo> shown;
  ListFrom from{after, false};
  while (shown.size() < limit) {
    MAS_TRY(const auto page, list_blocking(from, limit));
    for (const auto& [key, found] : page) {
      from.key = key;
      const bool is_shown = also_hidden || !is_hidden(found, key);
      if (!is_shown || shown.size() == limit) continue;
      shown.push_back({key, found.location.version, found.location.length});
    }
    if (page.size() < limit) break;
  }
  return shown;
}

Task<Result<std::vector<RecordInfo>>> StoreImpl::list_with(std::optional<RecordKey> after,
                                                           std::size_t limit, bool also_hidden) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  if (has_gone()) {
    MAS_CO_CHECK(co_await some_disk());
  }
  auto look = [this, &after, limit, also_hidden] { return list_shown(after, limit, also_hidden); };
  MAS_CO_TRY(auto shown, co_await offload(dependencies_.disk, look));
  if (has_gone()) {
    MAS_CO_CHECK(co_await some_disk());
  }
  co_return shown;
}

// Looks whether disks that had gone are back. Errors: io, if none gives anything.
Task<Result<void>> StoreImpl::some_disk() {
  bool any = false;
  for (const auto& volume : volumes_) {
    if (volume->unreadable().look_again()) {
      auto look = [&volume]() -> Result<void> {
        volume->look_if_back();
        return {};
      };
      (void)co_await offload(dependencies_.disk, look);
    }
    any = any || !volume->unreadable().is_gone();
  }
  if (any) co_return Result<void>();
  co_return Error(Code::io, "The disk cannot be read.");
}

Task<Result<void>> StoreImpl::quarantine(RecordKey key, std::uint64_t version) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  Result<Found> found = co_await find(key);
  if (found.has_error()) {
    if (found.error().code() == Code::not_found) co_return Result<void>();
    co_return found.error();
  }
  if (found->location.version != version) co_return Result<void>();
  co_return co_await found->volume->quarantine(key, found->location);
}

Task<Result<ScrubStep>> StoreImpl::scrub(std::optional<RecordKey> from, std::uint64_t max_bytes) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  if (has_gone()) {
    MAS_CO_CHECK(co_await some_disk());
  }
  ScrubStep step;
  ListFrom start{from, true};
  while (step.bytes < max_bytes && step.damaged.size() < kMostDamaged) {
    auto verify = [this, &start, &step, max_bytes]() -> Result<ScrubChunk> {
      MAS_TRY(auto page, list_blocking(start, kScrubPage));
      return verify_chunk(page, max_bytes - step.bytes);
    };
    MAS_CO_TRY(const ScrubChunk chunk, co_await offload(dependencies_.disk, verify));
    step.records += chunk.records;
    step.bytes += chunk.bytes;
    for (const auto& [key, found] : chunk.damaged) {
      step.damaged.push_back(key);
      MAS_CO_CHECK(co_await found.volume->quarantine(key, found.location));
    }
    step.damaged.insert(step.damaged.end(), chunk.unreadable.begin(), chunk.unreadable.end());
    // What a disk that has just gone holds has not been looked at.
    if (has_gone()) {
      MAS_CO_CHECK(co_await some_disk());
    }
    step.next = chunk.next;
    if (!step.next) break;
    start.key = step.next;
  }
  instruments_.scrubbed_bytes.add(static_cast<double>(step.bytes));
  co_return step;
}

Task<Result<bool>> StoreImpl::compact_one() {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  for (const auto& volume : volumes_) {
    if (volume->is_stopped()) continue;
    MAS_CO_TRY(const bool done, co_await volume->compact_one());
    if (done) co_return true;
  }
  co_return false;
}

std::string StoreImpl::why_not_writable() const {
  for (const auto& volume : volumes_) {
    if (volume->is_stopped()) return volume->writer().stopped();
  }
  return "The disk cannot be read.";
}

std::vector<std::string> StoreImpl::absent() const {
  std::vector<std::string> absent = set_.absent();
  for (const auto& volume : volumes_) {
    if (!volume->unreadable().is_gone()) continue;
    absent.push_back(volume->directory() + ": The disk of this data directory cannot be read.");
  }
  return absent;
}

Reach StoreImpl::reach() const {
  Reach reach{!set_.is_incomplete() && !has_gone(), 0};
  for (const auto& volume : volumes_) {
    reach.is_whole = reach.is_whole && !volume->is_stopped();
    reach.losses += volume->unreadable().times_gone();
  }
  return reach;
}

Usage StoreImpl::usage() const {
  Usage usage;
  bool any_healthy = false;
  for (const auto& volume : volumes_) {
    volume->add_to(usage);
    any_healthy = any_healthy || volume->is_healthy();
  }
  usage.writable = any_healthy && usage.free > 0;
  usage.full = any_healthy && usage.free == 0;
  if (!any_healthy) {
    usage.not_writable_reason = why_not_writable();
  } else if (usage.full) {
    usage.not_writable_reason = "The disk is full.";
  }
  return usage;
}

Task<Result<void>> StoreImpl::close() {
  co_await gate_.close();
  Result<void> result;
  for (const auto& volume : volumes_) {
    Result<void> closed_one = co_await volume->close();
    if (closed_one.has_error()) result = closed_one;
  }
  gauges_.reset();
  co_return result;
}

}  // namespace

Result<std::unique_ptr<Store>> open(const config::Store& options, const Directories& directories,
                                    const Dependencies& dependencies) {
  auto store = std::make_unique<StoreImpl>(options, directories, dependencies);
  MAS_CHECK(store->open());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace mas::store
