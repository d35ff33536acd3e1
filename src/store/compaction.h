// Copies what is live in one segment forward, a chunk at a time, so that the segment can go.
//
// Safe to stop at any point: a copy keeps its version, so original and copy are the same record;
// the source is removed only when nothing points to it and the index, flushed, knows all copies.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "store/catalog.h"
#include "store/frame_walker.h"
#include "store/segments.h"
#include "store/writer.h"

namespace mas::store {

// True if a tombstone first written in frame `first_place` still hides something: a segment that
// may hold an older record of its key, other than `besides`, exists.
[[nodiscard]] bool tombstone_is_live(const std::vector<SegmentInfo>& segments,
                                     std::uint64_t besides, std::uint64_t first_place);

class Compaction {
 public:
  // The first two must outlive this. `chunk_bytes`: payload bytes in memory at once.
  Compaction(SegmentSet& segments, Catalog& catalog, const Id128& volume, SegmentInfo source,
             std::uint64_t chunk_bytes);

  struct Chunk {
    std::vector<PendingRecord> records;  // for Writer::enqueue, as copies; may be empty
    std::vector<RecordKey> damaged;      // those of them that are quarantined instead of copied
    bool is_last = false;
  };
  // Blocking. Errors: io; the source then stays.
  Result<Chunk> next();

  // After the last chunk is written. Blocking. Errors: io.
  Result<void> remove_source();

 private:
  Result<bool> fill_from_frames(Chunk& chunk);
  Result<bool> fill_from_index(Chunk& chunk);
  Result<void> add(Chunk& chunk, const IndexedRecord& record);
  Result<void> add_payload(Chunk& chunk, const IndexedRecord& record);
  Result<std::optional<Slice>> read_payload(const Location& location);

  SegmentSet& segments_;
  Catalog& catalog_;
  const Id128 volume_;
  const SegmentInfo source_;
  const std::uint64_t chunk_bytes_;
  std::unique_ptr<fs::File> file_;
  std::unique_ptr<FrameWalker> walker_;
  std::unique_ptr<BlockReader> reader_;
  std::deque<IndexedRecord> pending_;
  std::uint64_t chunk_used_ = 0;
  bool frames_done_ = false;
  ListFrom list_from_;
};

}  // namespace mas::store
