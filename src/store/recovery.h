// Brings a volume's index and the end of its log to where a crash, or a clean stop, left them.
//
// Only the last frame of the newest segment is ever cut, and only if nothing valid stands behind
// it; a bad record anywhere else is quarantined alone. What the index holds or a closing frame
// follows was synced and is never cut. A segment of which the disk does not give every block takes
// no more frames and is left as it is: what cannot be read is not known to be unfinished.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/catalog.h"
#include "store/frame_walker.h"
#include "store/segments.h"

namespace mas::store {

struct Recovered {
  Position tail;            // where the next frame goes
  bool appendable = false;  // false: the next frame needs a new segment
  std::uint64_t quarantined = 0;
  // Of those, the ones a tombstone has to hide for good; the index does not show them any more.
  std::vector<RecordKey> to_hide;
  std::uint64_t cuts = 0;
  // Something that was written could not be read: tail.next_version may be too low.
  bool versions_lost = false;
};

class Recovery {
 public:
  // All must outlive this; `catalog` is loaded and its position lies in a segment of `segments` (or
  // is the beginning).
  Recovery(SegmentSet& segments, Catalog& catalog, const Id128& volume);

  // Errors: io.
  Result<Recovered> run();

 private:
  Result<void> drop_half_made();
  Result<void> replay(const SegmentInfo& segment, bool is_newest);
  Result<void> settle_tail(const SegmentInfo& segment, fs::File& file, FrameWalker& walker,
                           std::optional<WalkedFrame> last);
  Result<void> leave_as_is(const SegmentInfo& segment, fs::File& file, const FrameWalker& walker,
                           std::optional<WalkedFrame> last, bool may_be_unfinished);
  void note_unreadable(const SegmentInfo& segment, const std::string& what);
  struct Payloads {
    std::vector<IndexedRecord> damaged;
    bool unreadable = false;  // the disk does not give one of them
  };
  Payloads look_at_payloads(fs::File& file, const WalkedFrame& frame);
  Result<void> zero(const SegmentInfo& segment, std::uint64_t from, std::uint64_t to);
  struct Copy {
    std::uint64_t offset = 0;
    Buffer buffer;
    std::size_t length = 0;
  };
  Result<std::vector<Copy>> to_write_again(const SegmentInfo& segment, fs::File& file,
                                           const std::optional<WalkedFrame>& last);
  Result<void> write_again(const SegmentInfo& segment, const Copy& copy);
  Result<void> accept(const WalkedFrame& frame, const std::vector<IndexedRecord>& damaged = {});
  void note_cut(const SegmentInfo& segment, std::uint64_t from, std::uint64_t to,
                const std::vector<IndexedRecord>& records);

  SegmentSet& segments_;
  Catalog& catalog_;
  const Id128 volume_;
  Position at_;
  // Frames that may stand behind the last one that could be read: numbers not to be given again.
  std::uint64_t unread_frames_ = 0;
  // Without an index to start from, segments that were compacted away leave gaps that mean nothing.
  const bool rebuilds_;
  Recovered recovered_;
};

}  // namespace mas::store
