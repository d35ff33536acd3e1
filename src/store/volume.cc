#include "store/volume.h"

#include <algorithm>

#include "mas/core/units.h"
#include "mas/core/xxh3.h"
#include "mas/fs/descriptors.h"
#include "mas/observe/log.h"
#include "mas/runtime/offload.h"
#include "store/examine.h"
#include "store/recovery.h"

namespace mas::store {
namespace {

constexpr std::uint64_t kSegmentsPerVolume = 64;
// Behind why it has stopped.
constexpr char kKept[] = " What is deleted of it is freed after the next start.";

}  // namespace

std::uint64_t segment_size_for(const config::Store& options, std::uint64_t capacity) {
  const std::uint64_t wanted = std::max<std::uint64_t>(options.segment_size, 2 * kBlockSize);
  const std::uint64_t share = capacity / kSegmentsPerVolume;
  const std::uint64_t size = std::clamp(share, std::min(wanted, kSmallestSegment), wanted);
  return size / kBlockSize * kBlockSize;
}

// Rendezvous hashing: each volume draws a number for the key, the highest wins, so that a volume
// that comes or goes moves only its own share.
Volume* choose_volume(const std::vector<std::unique_ptr<Volume>>& volumes, const RecordKey& key,
                      std::uint64_t bytes, bool& any_healthy) {
  Volume* best = nullptr;
  std::uint64_t best_score = 0;
  any_healthy = false;
  const RecordKey::Encoded encoded = key.encode();
  const std::uint64_t key_sum = volumes.size() > 1 ? xxh3_64(encoded, 0) : 0;
  for (const auto& volume : volumes) {
    if (!volume->is_healthy()) continue;
    any_healthy = true;
    if (volume->left() < bytes) continue;
    const std::uint64_t score = volumes.size() > 1 ? xxh3_64(volume->id().bytes, key_sum) : 0;
    if (!best || score > best_score) {
      best = volume.get();
      best_score = score;
    }
  }
  return best;
}

Volume::Volume(const VolumeContext& context, const VolumePaths& paths, const Id128& id,
               std::unique_ptr<fs::FileLock> lock, std::uint64_t segment_size)
    : fs_(context.dependencies.fs),
      disk_(context.dependencies.disk),
      instruments_(context.instruments),
      paths_(paths),
      id_(id),
      compact_below_(context.options.compact_below),
      segment_size_(segment_size),
      chunk_bytes_(context.options.frame_bytes / 2),
      open_tables_(fs::most_open_tables(fs::descriptor_limit(), context.volumes)),
      lock_(std::move(lock)),
      segments_(fs_, paths.segments, id,
                fs::most_open_segments(fs::descriptor_limit(), context.volumes)),
      room_(fs_, context.dependencies.clock, paths.directory, context.options.reserve,
            2 * segment_size),
      unreadable_records_(context.dependencies.clock) {}

Volume::~Volume() {
  if (writer_) writer_->abandon();
}

Result<std::unique_ptr<Volume>> Volume::open(const VolumeContext& context, const VolumePaths& paths,
                                             const Id128& id, std::unique_ptr<fs::FileLock> lock) {
  MAS_TRY(const fs::Space space, context.dependencies.fs.space(paths.directory));
  const std::uint64_t segment_size = segment_size_for(context.options, space.total);
  std::unique_ptr<Volume> volume(new Volume(context, paths, id, std::move(lock), segment_size));
  MAS_CHECK(volume->room_.refresh());
  MAS_CHECK(volume->recover(context.options, context.dependencies, segment_size, context.versions));
  return volume;
}

Result<void> Volume::open_index(const config::Store& options, const Dependencies& dependencies) {
  std::unique_ptr<Index> index;
  if (dependencies.index == IndexKind::memory) {
    index = make_memory_index();
  } else {
    const IndexBounds bounds{options.index_cache, open_tables_};
    MAS_TRY(index, open_rocksdb_index(fs_, paths_.index, id_, bounds));
  }
  catalog_ = std::make_unique<Catalog>(std::move(index));
  return catalog_->load();
}

Result<void> Volume::recover(const config::Store& options, const Dependencies& dependencies,
                             std::uint64_t segment_size, Versions& versions) {
  MAS_CHECK(segments_.load());
  Result<void> opened = open_index(options, dependencies);
  if (opened.has_error() && fs::is_exhausted(opened.error())) return opened;
  const Position indexed = opened.has_value() ? catalog_->position() : Position();
  const auto segment = segments_.find(indexed.segment);
  if (opened.has_error() ||
      (indexed.segment != 0 &&
       !(segment && (segment->unreadable || segment->size >= indexed.offset)))) {
    // An index that cannot be read, or of more than the segments hold, is no cache of them.
    log::warn("store_index_discarded", {{"path", paths_.index}});
    // What it knew of and they do not hold may have had higher versions.
    versions_lost_ = opened.has_value();
    catalog_.reset();
    MAS_CHECK(fs_.remove_tree(paths_.index));
    MAS_CHECK(open_index(options, dependencies));
  }
  MAS_CHECK(forget_missing_segments());
  // The index directory may be new; and a killed process may have left names that are seen now but
  // were not synced. From here on they are relied upon.
  MAS_CHECK(fs_.sync_directory(paths_.directory));
  MAS_CHECK(fs_.sync_directory(paths_.segments));
  Recovery recovery(segments_, *catalog_, id_);
  MAS_TRY(Recovered recovered, recovery.run());
  count_quarantined(recovered.quarantined);
  instruments_.cuts.add(static_cast<double>(recovered.cuts));
  next_version_ = recovered.tail.next_version;
  versions_lost_ |= recovered.versions_lost;

  const Writer::Limits limits{options.frame_bytes, options.frame_records, options.queue_bytes,
                              segment_size};
  const Writer::Parts parts{id_, segments_, *catalog_, room_, disk_, versions, instruments_};
  writer_ = std::make_shared<Writer>(parts, limits, recovered.tail, recovered.appendable);
  to_hide_ = std::move(recovered.to_hide);
  return {};
}

// A segment whose file has vanished holds nothing any more, whatever the index says of it.
Result<void> Volume::forget_missing_segments() {
  std::set<std::uint64_t> existing;
  for (const SegmentInfo& info : segments_.list()) existing.insert(info.number);
  MAS_TRY(const Catalog::Dropped dropped, catalog_->drop_segments_but(existing));
  if (dropped.records == 0) return {};
  count_quarantined(dropped.records);
  log::error("store.segments_vanished", {{"directory", paths_.segments},
                                         {"segments", dropped.segments},
                                         {"records", dropped.records}});
  return {};
}

// What recovery found damaged is hidden for good. Nobody waits: should it not get written, the
// damage is found again.
void Volume::begin() {
  if (to_hide_.empty()) return;
  std::vector<PendingRecord> tombstones;
  for (const RecordKey& key : to_hide_) {
    PendingRecord& tombstone = tombstones.emplace_back();
    tombstone.key = key;
    tombstone.type = RecordType::tombstone;
  }
  to_hide_.clear();
  (void)writer_->enqueue(std::move(tombstones), std::make_shared<WriteWait>());
}

std::uint64_t Volume::left() const {
  const std::uint64_t left = room_.left(writer_->prepared());
  const std::uint64_t queued = writer_->queued_bytes();
  return left > queued ? left - queued : 0;
}

void Volume::add_to(Usage& usage) const {
  const CatalogTotals totals = catalog_->totals();
  usage.capacity += room_.total();
  if (is_healthy()) usage.free += left();
  if (is_stopped()) {
    std::string why = directory() + ": " + writer_->stopped();
    if (keeps_removed_) why += kKept;
    usage.stopped.push_back(std::move(why));
  }
  usage.live += totals.live_bytes;
  usage.records += totals.records;
  usage.quarantined += quarantined();
  for (const SegmentInfo& segment : segments_.list()) {
    ++usage.segments;
    usage.stored += segment.end;
  }
}

void Volume::note_kept() {
  if (keeps_removed_.exchange(true)) return;
  log::warn("store.removal_waits",
            {{"directory", directory()},
             {"what", "What is deleted of this data directory is freed after the next start."}});
}

Task<Result<void>> Volume::write(std::vector<PendingRecord> records, bool copies) {
  auto wait = std::make_shared<WriteWait>();
  MAS_CO_CHECK(writer_->enqueue(std::move(records), wait, copies));
  co_await wait->done.wait();
  co_return wait->result;
}

Task<Result<Slice>> Volume::read(RecordKey key, Location location, std::uint64_t offset,
                                 std::uint32_t length) {
  if (offset >= location.length || length == 0) co_return Slice();
  const std::size_t count = std::min<std::uint64_t>(length, location.length - offset);
  Buffer buffer = Buffer::allocate(count);
  const MutableBytes into = buffer.bytes().first(count);
  const std::uint64_t position = location.payload + offset;
  instruments_.bytes_read.add(static_cast<double>(count));
  if (auto file = segments_.opened(location.segment)) {
    auto got = file->read_cached(position, into);
    if (got.has_value() && *got == count) {
      instruments_.reads_cached.add();
      co_return std::move(buffer).freeze(count);
    }
  }
  instruments_.reads_disk.add();
  auto from_disk = [this, &key, &location, position, into] {
    return read_from_disk(key, location, position, into);
  };
  MAS_CO_CHECK(co_await offload(disk_, from_disk));
  co_return std::move(buffer).freeze(count);
}

// A read that fails is one record's fault, or its segment's, or the disk's: which, decides what is
// still shown, so that whoever asks whether it is held is told no and it is made anew.
Result<void> Volume::read_from_disk(const RecordKey& key, const Location& location,
                                    std::uint64_t position, MutableBytes into) {
  auto attempt = [&]() -> Result<void> {
    MAS_TRY(auto file, segments_.reader(location.segment));
    MAS_TRY(const std::size_t got, file->read_at(position, into));
    if (got == into.size()) return {};
    return Error(Code::corrupt, "A record lies beyond the end of its segment.");
  };
  Result<void> done = attempt();
  if (done.has_value()) return done;
  if (fs::is_exhausted(done.error())) return fs::exhausted();
  MAS_TRY(const Verdict verdict, examine(*this, key, location));
  switch (verdict) {
    case Verdict::good:
      return attempt();
    case Verdict::bad:
      return Error(Code::corrupt, "A record is not what was written.");
    case Verdict::moved:
    case Verdict::unreadable:
      return Error(Code::not_found, "The record is not there any more.");
    case Verdict::gone:
      break;
  }
  return Error(Code::io, "The disk cannot be read.");
}

Task<Result<void>> Volume::quarantine(RecordKey key, Location location) {
  // It is not shown already, and may come back.
  if (unreadable_records_.hides(key, location)) co_return Result<void>();
  count_quarantined(1);
  log::error("store_record_damaged", {{"segment", location.segment}, {"key", describe(key)}});
  PendingRecord tombstone;
  tombstone.key = key;
  tombstone.type = RecordType::tombstone;
  tombstone.when = When::points_at_source;
  tombstone.source = location;
  std::vector<PendingRecord> records;
  records.push_back(std::move(tombstone));
  Result<void> result = co_await write(std::move(records));
  // A volume that has stopped writing forgets it until the next start, which is all it can do.
  if (result.has_error() && is_stopped()) co_return Result<void>();
  co_return result;
}

void Volume::count_quarantined(std::uint64_t records) {
  quarantined_ += records;
  instruments_.quarantined.add(static_cast<double>(records));
}

Task<Result<void>> Volume::close() {
  auto wait = std::make_shared<WriteWait>();
  MAS_CO_CHECK(writer_->close(wait));
  co_await wait->done.wait();
  segments_.close_readers();
  co_return wait->result;
}

}  // namespace mas::store
