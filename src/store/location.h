// Where a record lies, and what is known of a segment: the values of the index.
#pragma once

#include <cstdint>

#include "mas/core/ids.h"
#include "store/format.h"

namespace mas::store {

struct Location {
  std::uint64_t segment = 0;
  std::uint64_t header = 0;   // offset of the record header in the segment
  std::uint64_t payload = 0;  // offset of the payload in the segment
  std::uint64_t version = 0;
  std::uint32_t length = 0;
  Sum128 sum;  // of the payload

  friend bool operator==(const Location&, const Location&) = default;
};

// Up to where the segments are indexed.
struct Position {
  std::uint64_t segment = 0;  // 0: nothing yet; segments count from 1
  std::uint64_t offset = 0;   // end of the last indexed frame
  std::uint64_t frame = 0;    // number of that frame
  std::uint64_t next_version = 1;

  friend bool operator==(const Position&, const Position&) = default;
};

// What compaction needs to know of one segment.
struct SegmentStats {
  std::uint64_t live_bytes = 0;  // footprints of the payload records the index points to
  std::uint64_t live_records = 0;
  std::uint64_t tombstones = 0;
  std::uint64_t newest_tombstone = 0;  // highest first place among them

  friend bool operator==(const SegmentStats&, const SegmentStats&) = default;
};

// A record as the index sees it.
struct IndexedRecord {
  RecordKey key;
  RecordType type = RecordType::payload;
  std::uint64_t first_place = 0;
  Location location;  // of a tombstone: segment, header and version
};

}  // namespace mas::store
