#include "store/examine.h"

#include "mas/fs/descriptors.h"
#include "mas/observe/log.h"
#include "store/block_reader.h"

namespace mas::store {
namespace {

// The frame's length is not known here; the header's own sum and the index vouch for its place.
bool header_matches(ByteView bytes, const SegmentIdentity& identity, const RecordKey& key,
                    const Location& location) {
  const auto header = parse_record_header(bytes, identity, ~std::uint64_t{0});
  return header && key_of(*header) == key && header->version == location.version &&
         header->length == location.length && header->payload_sum == location.sum;
}

// Whether payload and header are as they were written. Errors: io; not_found, if there is no such
// segment.
Result<bool> is_whole(Volume& volume, const RecordKey& key, const Location& location) {
  MAS_TRY(auto file, volume.segments().open_direct(location.segment));
  BlockReader reader(*file);
  MAS_TRY(const bool payload_ok, payload_matches(reader, location));
  MAS_TRY(const ByteView bytes, reader.view(location.header, sizeof(RecordHeader)));
  return payload_ok && header_matches(bytes, {volume.id(), location.segment}, key, location);
}

}  // namespace

Result<Verdict> examine(Volume& volume, const RecordKey& key, const Location& location) {
  if (volume.unreadable().is_gone()) return Verdict::gone;
  if (volume.unreadable().has_vanished(location.segment)) return Verdict::unreadable;
  const Result<bool> whole = is_whole(volume, key, location);
  if (whole.has_value() && *whole) {
    if (volume.unreadable().drop_record(key)) {
      log::info("store.record_readable_again", {{"key", describe(key)}});
    }
    return Verdict::good;
  }
  if (whole.has_error() && fs::is_exhausted(whole.error())) return fs::exhausted();
  const bool has_failed = whole.has_error() && whole.error().code() != Code::not_found;
  if (has_failed && volume.judge_gone(whole.error())) return Verdict::gone;
  // What looks bad may only have moved since it was looked up: compaction removes a segment's file
  // once nothing points to it.
  const auto current = volume.catalog().index().find(key);
  if (current.has_error()) {
    if (volume.judge_gone(current.error())) return Verdict::gone;
    return current.error();
  }
  if (!*current || !(**current == location)) return Verdict::moved;
  if (whole.has_value()) return Verdict::bad;
  if (has_failed) {
    volume.set_aside(key, location, whole.error());
  } else {
    volume.note_vanished();
  }
  return Verdict::unreadable;
}

// ---- Volume ----

bool Volume::judge_gone(const Error& error) {
  if (unreadable_records_.is_gone()) return true;
  if (segments_.answers()) return false;
  if (unreadable_records_.set_gone(true)) {
    log::error("store.volume_gone",
               {{"volume", id_.hex()}, {"directory", paths_.directory}, {"error", error}});
  }
  return true;
}

void Volume::look_if_back() {
  if (!segments_.answers() || !unreadable_records_.set_gone(false)) return;
  segments_.close_readers();
  log::info("store.volume_back", {{"volume", id_.hex()}, {"directory", paths_.directory}});
}

void Volume::set_aside(const RecordKey& key, const Location& location, const Error& error) {
  if (!unreadable_records_.add_record(key, location)) return;
  count_quarantined(1);
  log::error("store.record_unreadable",
             {{"segment", location.segment}, {"key", describe(key)}, {"error", error}});
}

// All that have vanished at once: a directory that is gone is one event.
void Volume::note_vanished() {
  auto gone = segments_.without_file();
  if (gone.has_error()) return;
  std::uint64_t segments = 0;
  std::uint64_t records = 0;
  for (const std::uint64_t number : *gone) {
    // Compaction removes a file once nothing points to it.
    const std::uint64_t live = catalog_->stats(number).live_records;
    const bool is_active = number == writer_->active_segment();
    if ((live == 0 && !is_active) || !unreadable_records_.add_segment(number)) continue;
    ++segments;
    records += live;
    if (is_active) {
      writer_->halt(Error(Code::io, "The file of the segment that is written to has vanished."));
    }
  }
  if (segments == 0) return;
  count_quarantined(records);
  log::error("store.segments_vanished",
             {{"directory", paths_.segments}, {"segments", segments}, {"records", records}});
}

}  // namespace mas::store
