// Walks the frames of one segment from a known boundary, steps over damaged ranges, and tells what
// stands behind the last frame. Used by recovery, compaction and `mas check`; changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "store/block_reader.h"
#include "store/format.h"
#include "store/location.h"

namespace mas::store {

struct WalkedFrame {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  // False: no valid header; the range up to the next valid frame, with whatever record headers
  // could still be read (each vouches for itself).
  bool header_ok = false;
  std::uint64_t frame = 0;         // its number; of a damaged range, that of its records, or 0
  std::uint64_t next_version = 0;  // 0 in a damaged range
  bool closing = false;
  std::vector<IndexedRecord> records;
  std::uint32_t bad_records = 0;  // record headers that failed their sum, as far as known

  [[nodiscard]] bool headers_whole() const noexcept { return header_ok && bad_records == 0; }
};

// What a walk does with blocks that the disk does not give.
enum class OnUnreadable : std::uint8_t {
  stop,  // the error is the caller's
  skip,  // as if they were damaged; after kMostUnreadable of them the error is the caller's
};
// 1 MiB. A disk that gives less than that of a segment is not walked block by block.
inline constexpr std::uint64_t kMostUnreadable = 256;

class FrameWalker {
 public:
  // `file` (opened direct) must outlive this. `from`: where a frame starts; `end`: of the file;
  // frames with numbers up to `after_frame` are not accepted.
  FrameWalker(fs::File& file, const SegmentIdentity& identity, std::uint64_t from,
              std::uint64_t end, std::uint64_t after_frame,
              OnUnreadable on_unreadable = OnUnreadable::stop);

  // The next frame or damaged range; nullopt when no valid frame follows. Errors: io.
  Result<std::optional<WalkedFrame>> next();

  // After nullopt: where the last frame ended, and the end of the last block behind it that holds
  // anything but zeros (equal if none does).
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  [[nodiscard]] std::uint64_t dirty_end() const noexcept { return dirty_end_; }
  [[nodiscard]] std::uint64_t last_frame() const noexcept { return last_frame_; }
  // Reads that failed so far and were skipped.
  [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

  // The record headers that can still be read where a frame began at `offset`. Errors: io.
  Result<WalkedFrame> salvage(std::uint64_t offset, std::uint64_t length);

 private:
  Result<std::optional<WalkedFrame>> read_frame(std::uint64_t offset);
  Result<std::optional<std::uint64_t>> find_frame(std::uint64_t from);
  Result<std::optional<ByteView>> look(BlockReader& reader, std::uint64_t offset,
                                       std::size_t length);
  Result<void> read_headers(WalkedFrame& frame, const FrameHeader& header);
  [[nodiscard]] IndexedRecord indexed(const RecordHeader& header, std::uint64_t frame_offset,
                                      std::uint64_t number) const;

  fs::File& file_;
  BlockReader reader_;
  SegmentIdentity identity_;
  std::uint64_t position_;
  std::uint64_t end_;
  std::uint64_t last_frame_;
  std::uint64_t dirty_end_;
  const OnUnreadable on_unreadable_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace mas::store
