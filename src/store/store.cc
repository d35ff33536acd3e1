// The volumes of a pod as one store: which volume a key goes to, and where it is found.
#include "mas/store/store.h"

#include <algorithm>

#include "mas/core/xxh3.h"
#include "mas/observe/log.h"
#include "mas/runtime/offload.h"
#include "mas/runtime/sync.h"
#include "store/scrub.h"
#include "store/volume.h"

namespace mas::store {
namespace {

// Payloads from this size on are summed in the pool, not on the io thread.
constexpr std::uint64_t kSumInPool = 64 * 1024;
// A segment may be compacted away between a look-up and the read; each time the index knows better.
constexpr int kReadAttempts = 4;

Error not_found() { return Error(Code::not_found, "There is no such record."); }
Error closed() { return Error(Code::closed, "The store is being closed."); }

class StoreImpl final : public Store {
 public:
  StoreImpl(const config::Store& options, const Dependencies& dependencies)
      : options_(options), dependencies_(dependencies), instruments_(dependencies.metrics) {}

  Result<void> open(const std::vector<std::string>& directories);

  Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) override;
  Task<Result<void>> remove(std::vector<RecordKey> keys) override;
  Task<Result<Slice>> read(RecordKey key, std::uint64_t offset, std::uint32_t length) override;
  Task<Result<RecordInfo>> stat(RecordKey key) override;
  Task<Result<std::vector<RecordInfo>>> list(std::optional<RecordKey> after,
                                             std::size_t limit) override;
  Task<Result<void>> quarantine(RecordKey key, std::uint64_t version) override;
  Task<Result<ScrubStep>> scrub(std::optional<RecordKey> from, std::uint64_t max_bytes) override;
  Task<Result<bool>> compact_one() override;
  Usage usage() const override;
  Id128 incarnation() const override { return set_; }
  Task<Result<void>> close() override;

 private:
  Result<void> open_volume(const VolumePaths& paths, const VolumeIdentity& identity,
                           std::unique_ptr<fs::FileLock> lock);
  void register_gauges();
  Lookup find_cached(const RecordKey& key, Found& found);
  Result<std::optional<Found>> find_blocking(const RecordKey& key);
  Task<Result<Found>> find(RecordKey key);
  Result<std::vector<std::pair<RecordKey, Found>>> list_blocking(const ListFrom& from,
                                                                 std::size_t limit);
  Volume* choose(const RecordKey& key, std::uint64_t bytes, bool& any_healthy);
  Task<Result<Volume*>> choose_with_room(RecordKey key, std::uint64_t bytes);
  Task<Result<void>> remove_elsewhere(RecordKey key, Volume* kept);

  const config::Store options_;
  const Dependencies dependencies_;
  Instruments instruments_;
  std::atomic<std::uint64_t> next_version_{1};
  Id128 set_;
  std::vector<std::unique_ptr<Volume>> volumes_;
  Gate gate_;
  std::shared_ptr<void> gauges_;
};

Result<void> StoreImpl::open(const std::vector<std::string>& directories) {
  struct Opening {
    VolumePaths paths;
    std::unique_ptr<fs::FileLock> lock;
    std::optional<VolumeIdentity> identity;
  };
  std::vector<Opening> opening;
  Error failure(Code::invalid_argument, "No data directory is given.");
  for (const std::string& directory : directories) {
    Opening next{VolumePaths(directory), nullptr, std::nullopt};
    auto prepare = [&]() -> Result<void> {
      MAS_CHECK(dependencies_.fs.make_directories(directory));
      MAS_TRY(next.lock, dependencies_.fs.lock(next.paths.lock));
      MAS_TRY(next.identity, read_identity(dependencies_.fs, next.paths));
      return {};
    };
    if (Result<void> prepared = prepare(); prepared.has_error()) {
      failure = prepared.error().with_context(directory);
      // A dead disk among several is a repair, not an outage; anything else is a mistake.
      if (failure.code() != Code::io || directories.size() == 1) return failure;
      log::error("store_volume_unusable", {{"directory", directory}, {"error", failure}});
      continue;
    }
    if (next.identity) {
      if (!set_.is_zero() && set_ != next.identity->set) {
        return Error(Code::corrupt, directory +
                                        ": It belongs to another pod's store than the "
                                        "directories listed before it.");
      }
      set_ = next.identity->set;
    }
    opening.push_back(std::move(next));
  }
  if (set_.is_zero()) set_ = dependencies_.rng.id();
  for (Opening& next : opening) {
    auto start = [&]() -> Result<void> {
      if (!next.identity) {
        next.identity = VolumeIdentity{dependencies_.rng.id(), set_};
        MAS_CHECK(found_volume(dependencies_.fs, next.paths, *next.identity));
      }
      return open_volume(next.paths, *next.identity, std::move(next.lock));
    };
    if (Result<void> started = start(); started.has_error()) {
      failure = started.error().with_context(next.paths.directory);
      if (failure.code() != Code::io || directories.size() == 1) return failure;
      log::error("store_volume_unusable",
                 {{"directory", next.paths.directory}, {"error", failure}});
    }
  }
  if (volumes_.empty()) return failure;
  register_gauges();
  return {};
}

Result<void> StoreImpl::open_volume(const VolumePaths& paths, const VolumeIdentity& identity,
                                    std::unique_ptr<fs::FileLock> lock) {
  for (const auto& other : volumes_) {
    if (other->id() == identity.volume) {
      return Error(Code::corrupt, "It is a copy of another data directory of this pod.");
    }
  }
  const VolumeContext context{options_, dependencies_, instruments_, next_version_};
  MAS_TRY(auto volume, Volume::open(context, paths, identity.volume, std::move(lock)));
  volumes_.push_back(std::move(volume));
  return {};
}

void StoreImpl::register_gauges() {
  observe::Metrics& metrics = dependencies_.metrics;
  observe::Gauge& capacity = metrics.gauge("mas_store_capacity_bytes", "Size of the volumes.");
  observe::Gauge& free = metrics.gauge("mas_store_free_bytes", "Bytes left for new shards.");
  observe::Gauge& stored = metrics.gauge("mas_store_stored_bytes", "Bytes in segments.");
  observe::Gauge& live = metrics.gauge("mas_store_live_bytes", "Bytes of live records.");
  observe::Gauge& records = metrics.gauge("mas_store_records", "Live records.");
  observe::Gauge& segments = metrics.gauge("mas_store_segments", "Segment files.");
  observe::Gauge& writable = metrics.gauge("mas_store_writable", "1 if new shards are taken.");
  gauges_ = metrics.before_scrape(
      [this, &capacity, &free, &stored, &live, &records, &segments, &writable] {
        const Usage now = usage();
        capacity.set(static_cast<double>(now.capacity));
        free.set(static_cast<double>(now.free));
        stored.set(static_cast<double>(now.stored));
        live.set(static_cast<double>(now.live));
        records.set(static_cast<double>(now.records));
        segments.set(static_cast<double>(now.segments));
        writable.set(now.writable ? 1 : 0);
      });
}

// Rendezvous hashing: each volume draws a number for the key, the highest wins, so that a volume
// that comes or goes moves only its own share.
Volume* StoreImpl::choose(const RecordKey& key, std::uint64_t bytes, bool& any_healthy) {
  Volume* best = nullptr;
  std::uint64_t best_score = 0;
  any_healthy = false;
  const RecordKey::Encoded encoded = key.encode();
  const std::uint64_t key_sum = volumes_.size() > 1 ? xxh3_64(encoded, 0) : 0;
  for (const auto& volume : volumes_) {
    if (volume->is_stopped()) continue;
    any_healthy = true;
    if (volume->left() < bytes) continue;
    const std::uint64_t score = volumes_.size() > 1 ? xxh3_64(volume->id().bytes, key_sum) : 0;
    if (!best || score > best_score) {
      best = volume.get();
      best_score = score;
    }
  }
  return best;
}

Task<Result<Volume*>> StoreImpl::choose_with_room(RecordKey key, std::uint64_t bytes) {
  bool any_healthy = false;
  Volume* chosen = choose(key, bytes, any_healthy);
  if (!chosen && any_healthy) {
    // What is known of the room may be old.
    auto refresh = [this]() -> Result<void> {
      for (const auto& volume : volumes_) MAS_CHECK(volume->room().refresh_if_old());
      return {};
    };
    MAS_CO_CHECK(co_await offload(dependencies_.disk, refresh));
    chosen = choose(key, bytes, any_healthy);
  }
  if (chosen) co_return chosen;
  if (!any_healthy) co_return Error(Code::io, volumes_.front()->writer().stopped());
  instruments_.refused_full.add();
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
    if (volume.get() == kept || volume->is_stopped()) continue;
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
  if (keys.empty()) co_return Result<void>();
  for (const auto& volume : volumes_) {
    std::vector<PendingRecord> records;
    for (const RecordKey& key : keys) {
      Location location;
      // With one volume the writer looks; a look here would not see what is queued.
      if (volume->is_stopped() && !volume->writer().may_hold(key) &&
          volume->catalog().index().find_cached(key, location) == Lookup::absent) {
        continue;
      }
      PendingRecord tombstone;
      tombstone.key = key;
      tombstone.type = RecordType::tombstone;
      tombstone.when = When::key_present;
      records.push_back(std::move(tombstone));
    }
    if (!records.empty()) MAS_CO_CHECK(co_await volume->write(std::move(records)));
  }
  co_return Result<void>();
}

Lookup StoreImpl::find_cached(const RecordKey& key, Found& found) {
  found.volume = nullptr;
  for (const auto& volume : volumes_) {
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
  return found.volume ? Lookup::found : Lookup::absent;
}

Result<std::optional<Found>> StoreImpl::find_blocking(const RecordKey& key) {
  std::optional<Found> found;
  for (const auto& volume : volumes_) {
    MAS_TRY(auto location, volume->catalog().index().find(key));
    if (location && (!found || location->version > found->location.version)) {
      found = Found{volume.get(), *location};
    }
  }
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
  if (!result) co_return not_found();
  co_return *result;
}

Task<Result<Slice>> StoreImpl::read(RecordKey key, std::uint64_t offset, std::uint32_t length) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  for (int attempt = 1;; ++attempt) {
    Found found;
    const Lookup cached = find_cached(key, found);
    if (cached == Lookup::absent) co_return not_found();
    if (cached == Lookup::would_block) {
      MAS_CO_TRY(found, co_await find(key));
    }
    Result<Slice> bytes = co_await found.volume->read(found.location, offset, length);
    const bool has_gone = bytes.has_error() && bytes.error().code() == Code::not_found;
    if (!has_gone) co_return bytes;
    if (attempt == kReadAttempts) {
      co_return Error(Code::corrupt, "A record's segment has disappeared.");
    }
  }
}

Task<Result<RecordInfo>> StoreImpl::stat(RecordKey key) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  MAS_CO_TRY(const Found found, co_await find(key));
  co_return RecordInfo{key, found.location.version, found.location.length};
}

Result<std::vector<std::pair<RecordKey, Found>>> StoreImpl::list_blocking(const ListFrom& from,
                                                                          std::size_t limit) {
  std::map<RecordKey, Found> merged;
  for (const auto& volume : volumes_) {
    MAS_TRY(auto page, volume->catalog().index().list(from, limit));
    for (const auto& [key, location] : page) {
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

Task<Result<std::vector<RecordInfo>>> StoreImpl::list(std::optional<RecordKey> after,
                                                      std::size_t limit) {
  auto pass = gate_.try_enter();
  if (!pass) co_return closed();
  const ListFrom start{after, false};
  auto look = [this, &start, limit] { return list_blocking(start, limit); };
  MAS_CO_TRY(auto page, co_await offload(dependencies_.disk, look));
  std::vector<RecordInfo> records;
  records.reserve(page.size());
  for (const auto& [key, found] : page) {
    records.push_back({key, found.location.version, found.location.length});
  }
  co_return records;
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
  ScrubStep step;
  ListFrom start{from, true};
  while (step.bytes < max_bytes) {
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

Usage StoreImpl::usage() const {
  Usage usage;
  bool any_healthy = false;
  for (const auto& volume : volumes_) {
    volume->add_to(usage);
    any_healthy = any_healthy || !volume->is_stopped();
  }
  usage.writable = any_healthy && usage.free > 0;
  if (!any_healthy) {
    usage.not_writable_reason = volumes_.front()->writer().stopped();
  } else if (!usage.writable) {
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

Result<std::unique_ptr<Store>> open(const config::Store& options,
                                    const std::vector<std::string>& directories,
                                    const Dependencies& dependencies) {
  auto store = std::make_unique<StoreImpl>(options, dependencies);
  MAS_CHECK(store->open(directories));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace mas::store
