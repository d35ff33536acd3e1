#include "store/recovery.h"

#include <algorithm>
#include <cstring>

#include "mas/core/units.h"
#include "mas/fs/descriptors.h"
#include "mas/observe/log.h"

namespace mas::store {
namespace {

bool same_record(const IndexedRecord& a, const IndexedRecord& b) {
  return a.location.header == b.location.header;
}

// Each takes a block at least. Of a file whose size is not known: more than any has.
std::uint64_t most_frames(const SegmentInfo& segment) {
  constexpr std::uint64_t kUnknown = std::uint64_t{1} << 32U;
  return segment.size == 0 ? kUnknown : segment.size / kBlockSize;
}

}  // namespace

Recovery::Recovery(SegmentSet& segments, Catalog& catalog, const Id128& volume)
    : segments_(segments),
      catalog_(catalog),
      volume_(volume),
      at_(catalog.position()),
      rebuilds_(at_.segment == 0) {}

Result<Recovered> Recovery::run() {
  MAS_CHECK(drop_half_made());
  const std::vector<SegmentInfo> all = segments_.list();
  for (const SegmentInfo& segment : all) {
    if (segment.number < at_.segment) {
      segments_.set_end(segment.number, segment.size);
      continue;
    }
    const bool is_newest = segment.number == all.back().number;
    MAS_CHECK(replay(segment, is_newest));
  }
  recovered_.tail = at_;
  if (unread_frames_ > 0) {
    recovered_.tail.frame += unread_frames_;
    // The jump is no gap: only neighbours follow each other without one.
    segments_.skip_number();
  }
  return recovered_;
}

// A crash while a segment was being made leaves a file without a header, or one whose header is not
// whole; no frame was ever written to it, as that waits for the sync of both.
Result<void> Recovery::drop_half_made() {
  for (;;) {
    const std::vector<SegmentInfo> all = segments_.list();
    if (all.empty()) return {};
    const SegmentInfo& newest = all.back();
    if (newest.header_ok || newest.unreadable || newest.number <= at_.segment) return {};
    auto file = segments_.open_direct(newest.number);
    if (file.has_error()) return {};
    FrameWalker walker(**file, {volume_, newest.number}, kSegmentHeaderSize, newest.size, 0);
    auto frame = walker.next();
    // One of which not all can be read is not known to be empty.
    if (frame.has_error() || *frame || walker.dirty_end() > walker.position()) return {};
    log::info("store_half_made_segment_removed", {{"segment", newest.number}});
    MAS_CHECK(segments_.remove(newest.number));
  }
}

Result<void> Recovery::replay(const SegmentInfo& segment, bool is_newest) {
  std::uint64_t from = kSegmentHeaderSize;
  if (segment.number == at_.segment) {
    from = at_.offset;
  } else if (segment.header_ok && !rebuilds_ && segment.first_frame > at_.frame + 1) {
    ++recovered_.quarantined;
    recovered_.versions_lost = true;
    log::error("store_frames_missing", {{"before_segment", segment.number},
                                        {"from_frame", at_.frame + 1},
                                        {"to_frame", segment.first_frame - 1}});
  }
  at_.segment = segment.number;
  at_.offset = from;
  // The frames and versions before may have been compacted away with nothing left of them.
  if (segment.first_frame > 0) {
    at_.frame = std::max(at_.frame, segment.first_frame - 1);
    unread_frames_ = 0;
  }
  at_.next_version = std::max(at_.next_version, segment.next_version);
  auto file = segments_.open_direct(segment.number);
  if (file.has_error()) {
    if (fs::is_exhausted(file.error()) || !segments_.answers()) return file.error();
    note_unreadable(segment, file.error().message());
    unread_frames_ += most_frames(segment);
    segments_.set_end(segment.number, segment.size);
    return {};
  }
  FrameWalker walker(**file, {volume_, segment.number}, from, segment.size, at_.frame,
                     OnUnreadable::skip);
  // The last frame is held back until it is known to be the last.
  std::optional<WalkedFrame> held;
  for (;;) {
    auto frame = walker.next();
    if (frame.has_error()) {
      // Of a disk that gives nothing at all nothing is made up.
      if (fs::is_exhausted(frame.error()) || !segments_.answers()) return frame.error();
      note_unreadable(segment, frame.error().message());
      break;
    }
    if (!*frame) break;
    if (held) MAS_CHECK(accept(*held));
    held = *std::move(frame);
  }
  const bool is_readable = !segment.unreadable && walker.unreadable() == 0;
  if (is_newest && is_readable) return settle_tail(segment, **file, walker, std::move(held));
  return leave_as_is(segment, **file, walker, std::move(held), !is_readable);
}

// A segment that takes no more frames. Of a last frame that may be an unfinished one, what is wrong
// in it is not shown.
Result<void> Recovery::leave_as_is(const SegmentInfo& segment, fs::File& file,
                                   const FrameWalker& walker, std::optional<WalkedFrame> last,
                                   bool may_be_unfinished) {
  if (walker.unreadable() > 0) {
    note_unreadable(segment, std::to_string(walker.unreadable()) + " reads failed");
  }
  if (last) {
    std::vector<IndexedRecord> damaged;
    if (may_be_unfinished) damaged = look_at_payloads(file, *last).damaged;
    recovered_.versions_lost |= may_be_unfinished;
    MAS_CHECK(accept(*last, damaged));
  }
  if (walker.unreadable() > 0) unread_frames_ += most_frames(segment);
  if (walker.dirty_end() > walker.position()) {
    ++recovered_.quarantined;
    recovered_.versions_lost = true;
    log::error(
        "store_range_damaged",
        {{"segment", segment.number}, {"from", walker.position()}, {"to", walker.dirty_end()}});
  }
  segments_.set_end(segment.number, walker.dirty_end());
  return {};
}

void Recovery::note_unreadable(const SegmentInfo& segment, const std::string& what) {
  ++recovered_.quarantined;
  recovered_.versions_lost = true;
  log::error("store.segment_unreadable", {{"segment", segment.number}, {"error", what}});
}

Result<void> Recovery::settle_tail(const SegmentInfo& segment, fs::File& file, FrameWalker& walker,
                                   std::optional<WalkedFrame> last) {
  // Read before anything is changed: what the cache gave the disk may not.
  const auto copies = to_write_again(segment, file, last);
  Payloads payloads;
  if (last) payloads = look_at_payloads(file, *last);
  if (copies.has_error() || payloads.unreadable) {
    note_unreadable(segment, "its header, or a part of its last frame");
    return leave_as_is(segment, file, walker, std::move(last), true);
  }
  std::uint64_t cut_from = walker.position();
  const std::uint64_t cut_to = walker.dirty_end();
  const bool is_whole = last && last->headers_whole() && payloads.damaged.empty();
  // Something behind it means that it had been synced; so does a frame that follows a gap.
  if (last && !is_whole && cut_to == cut_from && last->header_ok) {
    cut_from = last->offset;
    note_cut(segment, cut_from, cut_to, last->records);
    last.reset();
  }
  if (cut_to > cut_from && cut_from == walker.position()) {
    MAS_TRY(const WalkedFrame unfinished, walker.salvage(cut_from, cut_to - cut_from));
    note_cut(segment, cut_from, cut_to, unfinished.records);
  }
  const std::uint64_t planned = std::max(segment.planned, round_up(segment.size, kBlockSize));
  if (cut_to > cut_from || segment.size < planned) MAS_CHECK(zero(segment, cut_from, cut_to));
  for (const Copy& copy : *copies) {
    if (copy.offset < cut_from) MAS_CHECK(write_again(segment, copy));
  }
  if (last) MAS_CHECK(accept(*last, payloads.damaged));
  segments_.set_end(segment.number, cut_from);
  at_.offset = cut_from;
  recovered_.appendable = segment.header_ok && segment.planned > cut_from;
  return {};
}

// What cannot be read stays in the index: whoever reads it finds that out, and it may come back.
Recovery::Payloads Recovery::look_at_payloads(fs::File& file, const WalkedFrame& frame) {
  BlockReader reader(file);
  Payloads payloads;
  for (const IndexedRecord& record : frame.records) {
    if (record.type != RecordType::payload) continue;
    const auto matches = payload_matches(reader, record.location);
    if (matches.has_error()) {
      payloads.unreadable = true;
    } else if (!*matches) {
      payloads.damaged.push_back(record);
    }
  }
  return payloads;
}

Result<void> Recovery::zero(const SegmentInfo& segment, std::uint64_t from, std::uint64_t to) {
  MAS_TRY(auto file, segments_.open_for_writing(segment.number));
  const std::uint64_t size = std::max(segment.planned, round_up(segment.size, kBlockSize));
  if (segment.size < size) MAS_CHECK(file->allocate(0, size));
  Buffer zeros = Buffer::allocate(kMiB);
  std::memset(zeros.data(), 0, zeros.capacity());
  while (from < to) {
    const std::uint64_t count = std::min<std::uint64_t>(to - from, zeros.capacity());
    const std::array<ByteView, 1> pieces{ByteView(zeros.data(), count)};
    MAS_CHECK(file->write_at(from, pieces));
    from += count;
  }
  return file->sync_all();
}

// The process before may have been killed between writing and syncing these, or after a sync of
// them that failed: then the system may take them for written, and no sync but one that follows
// another write covers them. From here on they are relied upon.
Result<std::vector<Recovery::Copy>> Recovery::to_write_again(
    const SegmentInfo& segment, fs::File& file, const std::optional<WalkedFrame>& last) {
  std::vector<Copy> copies;
  if (!segment.header_ok) return copies;
  auto read = [&](std::uint64_t offset, std::uint64_t length) -> Result<void> {
    const auto size = static_cast<std::size_t>(length);
    Copy copy{offset, Buffer::allocate(size), size};
    MAS_TRY(const std::size_t got, file.read_at(offset, copy.buffer.bytes().first(size)));
    if (got < size) return Error(Code::io, "A segment became shorter while it was recovered.");
    copies.push_back(std::move(copy));
    return {};
  };
  // A closing frame says that all before it was synced, but not that it was itself.
  if (!last || !last->closing) MAS_CHECK(read(0, kSegmentHeaderSize));
  if (last) MAS_CHECK(read(last->offset, last->length));
  return copies;
}

Result<void> Recovery::write_again(const SegmentInfo& segment, const Copy& copy) {
  MAS_TRY(auto writable, segments_.open_for_writing(segment.number));
  const std::array<ByteView, 1> pieces{copy.buffer.bytes().first(copy.length)};
  MAS_CHECK(writable->write_at(copy.offset, pieces));
  return writable->sync_data();
}

Result<void> Recovery::accept(const WalkedFrame& frame, const std::vector<IndexedRecord>& damaged) {
  if (!frame.header_ok || frame.bad_records > 0) {
    recovered_.quarantined += frame.bad_records;
    recovered_.versions_lost = true;
    log::error("store_frame_damaged", {{"segment", at_.segment},
                                       {"offset", frame.offset},
                                       {"length", frame.length},
                                       {"records_left", frame.records.size()},
                                       {"records_lost", frame.bad_records}});
  }
  std::vector<IndexedRecord> records = frame.records;
  for (IndexedRecord& record : records) {
    const bool is_damaged =
        std::any_of(damaged.begin(), damaged.end(),
                    [&](const IndexedRecord& other) { return same_record(record, other); });
    if (is_damaged) {
      ++recovered_.quarantined;
      log::error("store_record_damaged", {{"segment", at_.segment}, {"key", describe(record.key)}});
      recovered_.to_hide.push_back(record.key);
      // An older record of the key is not what was stored last.
      record.type = RecordType::tombstone;
    }
    at_.next_version = std::max(at_.next_version, record.location.version + 1);
  }
  at_.offset = frame.offset + frame.length;
  at_.frame = std::max(at_.frame, frame.frame);
  if (frame.header_ok) unread_frames_ = 0;
  at_.next_version = std::max(at_.next_version, frame.next_version);
  return catalog_.apply(records, at_);
}

void Recovery::note_cut(const SegmentInfo& segment, std::uint64_t from, std::uint64_t to,
                        const std::vector<IndexedRecord>& records) {
  constexpr std::size_t kMostKeys = 64;
  ++recovered_.cuts;
  std::string keys;
  for (std::size_t i = 0; i < std::min(records.size(), kMostKeys); ++i) {
    keys += (i == 0 ? "" : ", ") + describe(records[i].key);
  }
  if (records.size() > kMostKeys) {
    keys += " and " + std::to_string(records.size() - kMostKeys) + " more";
  }
  log::warn("store_tail_cut", {{"segment", segment.number},
                               {"from", from},
                               {"to", to},
                               {"records", records.size()},
                               {"keys", keys.empty() ? "unknown" : keys}});
}

}  // namespace mas::store
