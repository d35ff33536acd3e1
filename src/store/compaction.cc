#include "store/compaction.h"

#include <algorithm>

#include "mas/core/xxh3.h"
#include "mas/observe/log.h"
#include "mas/runtime/offload.h"
#include "store/volume.h"

namespace mas::store {
namespace {

constexpr std::size_t kIndexPage = 1024;
// Records whose payloads are small are bounded by number too.
constexpr std::size_t kMaxChunkRecords = 1024;
// Where less than a segment is left, room is worth more than writes.
constexpr double kBelowWhenFull = 0.9;

}  // namespace

bool tombstone_is_live(const std::vector<SegmentInfo>& segments, std::uint64_t besides,
                       std::uint64_t first_place) {
  return std::any_of(segments.begin(), segments.end(), [&](const SegmentInfo& segment) {
    return segment.number != besides && segment.first_frame <= first_place;
  });
}

Compaction::Compaction(SegmentSet& segments, Catalog& catalog, const Id128& volume,
                       SegmentInfo source, std::uint64_t chunk_bytes)
    : segments_(segments),
      catalog_(catalog),
      volume_(volume),
      source_(source),
      chunk_bytes_(chunk_bytes) {}

Result<Compaction::Chunk> Compaction::next() {
  if (!file_) {
    MAS_TRY(file_, segments_.open_direct(source_.number));
    walker_ = std::make_unique<FrameWalker>(*file_, SegmentIdentity{volume_, source_.number},
                                            kSegmentHeaderSize, source_.size, 0);
    reader_ = std::make_unique<BlockReader>(*file_);
  }
  Chunk chunk;
  chunk_used_ = 0;
  if (!frames_done_) {
    MAS_TRY(frames_done_, fill_from_frames(chunk));
    return chunk;
  }
  // Left where a frame header is damaged: the index still knows these records.
  if (catalog_.stats(source_.number).live_records == 0) {
    chunk.is_last = true;
    return chunk;
  }
  MAS_TRY(chunk.is_last, fill_from_index(chunk));
  return chunk;
}

// True when there is no frame left.
Result<bool> Compaction::fill_from_frames(Chunk& chunk) {
  for (;;) {
    while (!pending_.empty()) {
      if (chunk_used_ >= chunk_bytes_ || chunk.records.size() >= kMaxChunkRecords) return false;
      const IndexedRecord record = pending_.front();
      pending_.pop_front();
      MAS_CHECK(add(chunk, record));
    }
    MAS_TRY(auto frame, walker_->next());
    if (!frame) return true;
    pending_.assign(frame->records.begin(), frame->records.end());
  }
}

// True when the index has been looked through.
Result<bool> Compaction::fill_from_index(Chunk& chunk) {
  for (;;) {
    MAS_TRY(auto page, catalog_.index().list(list_from_, kIndexPage));
    for (const auto& [key, location] : page) {
      if (location.segment == source_.number) {
        MAS_CHECK(add_payload(chunk, {key, RecordType::payload, 0, location}));
      }
      list_from_.key = key;
      if (chunk_used_ >= chunk_bytes_ || chunk.records.size() >= kMaxChunkRecords) return false;
    }
    if (page.size() < kIndexPage) return true;
  }
}

Result<void> Compaction::add(Chunk& chunk, const IndexedRecord& record) {
  if (record.type == RecordType::payload) {
    MAS_TRY(auto current, catalog_.index().find(record.key));
    if (!current || !(*current == record.location)) return {};
    return add_payload(chunk, record);
  }
  if (!tombstone_is_live(segments_.list(), source_.number, record.first_place)) return {};
  PendingRecord copy;
  copy.key = record.key;
  copy.type = RecordType::tombstone;
  copy.when = When::key_absent;
  copy.version = record.location.version;
  copy.first_place = record.first_place;
  chunk.records.push_back(std::move(copy));
  return {};
}

Result<void> Compaction::add_payload(Chunk& chunk, const IndexedRecord& record) {
  MAS_TRY(auto payload, read_payload(record.location));
  PendingRecord copy;
  copy.key = record.key;
  copy.when = When::points_at_source;
  copy.source = record.location;
  if (payload) {
    copy.type = RecordType::payload;
    copy.length = record.location.length;
    copy.sum = record.location.sum;
    copy.version = record.location.version;
    copy.first_place = record.first_place;
    copy.pieces.push_back(*std::move(payload));
  } else {
    copy.type = RecordType::tombstone;
    chunk.damaged.push_back(record.key);
  }
  chunk_used_ += record.location.length;
  chunk.records.push_back(std::move(copy));
  return {};
}

// nullopt if the bytes are not those that were written.
Result<std::optional<Slice>> Compaction::read_payload(const Location& location) {
  Slice payload;
  if (location.length < kLargePayload) {
    MAS_TRY(ByteView bytes, reader_->view(location.payload, location.length));
    payload = Slice::copy_of(bytes);
  } else {
    // Read as it will be written: aligned, without a copy.
    const std::uint64_t start = location.payload / kBlockSize * kBlockSize;
    const std::uint64_t end = round_up(location.payload + location.length, kBlockSize);
    Buffer buffer = Buffer::allocate(end - start);
    MAS_TRY(const std::size_t got, file_->read_at(start, buffer.bytes().first(end - start)));
    const std::uint64_t skip = location.payload - start;
    if (got < skip + location.length) return std::optional<Slice>();
    payload = std::move(buffer).freeze(got).sub(skip, location.length);
  }
  if (payload.size() != location.length || xxh3_128(payload.view()) != location.sum) {
    return std::optional<Slice>();
  }
  return std::optional<Slice>(std::move(payload));
}

Result<void> Compaction::remove_source() {
  if (catalog_.stats(source_.number).live_records != 0) {
    return Error(Code::io, "A segment still holds records that could not be copied.");
  }
  MAS_CHECK(catalog_.flush());
  file_.reset();
  MAS_CHECK(segments_.remove(source_.number));
  return catalog_.drop_segment(source_.number);
}

// ---- Volume ----

std::optional<SegmentInfo> Volume::emptiest_segment() {
  const std::vector<SegmentInfo> all = segments_.list();
  std::optional<SegmentInfo> emptiest;
  double least = compact_below_;
  if (left() < segment_size_) least = std::max(least, kBelowWhenFull);
  for (const SegmentInfo& segment : all) {
    // The newest stays, so that the next number is always known.
    if (segment.number == all.back().number || segment.number == writer_->active_segment())
      continue;
    if (unreadable_.count(segment.number) != 0) continue;
    const SegmentStats stats = catalog_->stats(segment.number);
    std::uint64_t live = stats.live_bytes;
    if (tombstone_is_live(all, segment.number, stats.newest_tombstone)) {
      live += stats.tombstones * footprint(0);
    }
    const std::uint64_t used = std::max(segment.end, kSegmentHeaderSize + 1) - kSegmentHeaderSize;
    const double share = static_cast<double>(live) / static_cast<double>(used);
    if (share < least) {
      least = share;
      emptiest = segment;
    }
  }
  return emptiest;
}

Task<Result<bool>> Volume::compact_one() {
  if (compacting_.exchange(true)) co_return false;
  const std::optional<SegmentInfo> source = emptiest_segment();
  Result<bool> result = source.has_value();
  if (source) {
    Result<void> done = co_await compact(*source);
    if (done.has_error()) result = done.error();
  }
  compacting_ = false;
  co_return result;
}

Task<Result<void>> Volume::compact(SegmentInfo source) {
  Compaction compaction(segments_, *catalog_, id_, source, chunk_bytes_);
  std::uint64_t copied = 0;
  for (bool is_last = false; !is_last;) {
    auto next = [&compaction] { return compaction.next(); };
    Result<Compaction::Chunk> chunk = co_await offload(disk_, next);
    if (chunk.has_error()) {
      // Reads go on where they can; until the next start it is left alone, with the tombstones that
      // cannot be read in it.
      const Code code = chunk.error().code();
      if (code == Code::io || code == Code::not_found) unreadable_.insert(source.number);
      auto look = [this]() -> Result<void> {
        note_vanished();
        return {};
      };
      if (code == Code::not_found) (void)co_await offload(disk_, look);
      co_return chunk.error().with_context("compaction");
    }
    is_last = chunk->is_last;
    for (const RecordKey& key : chunk->damaged) {
      count_quarantined(1);
      log::error("store_record_damaged", {{"segment", source.number}, {"key", describe(key)}});
    }
    if (chunk->records.empty()) continue;
    for (const PendingRecord& record : chunk->records) copied += record.length;
    MAS_CO_CHECK(co_await write(std::move(chunk->records), true));
  }
  auto finish = [&compaction] { return compaction.remove_source(); };
  Result<void> removed = co_await offload(disk_, finish);
  if (removed.has_error()) {
    if (removed.error().code() == Code::io) unreadable_.insert(source.number);
    co_return removed.error().with_context("compaction");
  }
  instruments_.compacted.add();
  instruments_.compacted_bytes.add(static_cast<double>(copied));
  log::info("store_segment_compacted", {{"segment", source.number}, {"copied_bytes", copied}});
  auto refresh = [this] { return room_.refresh(); };
  co_return co_await offload(disk_, refresh);
}

}  // namespace mas::store
