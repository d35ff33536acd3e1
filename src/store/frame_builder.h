// Lays records out as one frame, ready for one positional write. Large payloads whose slices are
// aligned are written from where they are; everything else is copied behind the headers.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "store/location.h"

namespace mas::store {

struct FrameInput {
  RecordKey key;
  RecordType type = RecordType::payload;
  std::uint64_t version = 0;
  std::uint64_t first_place = 0;  // 0: this very frame
  std::uint32_t length = 0;
  Sum128 sum;
  const std::vector<Slice>* pieces = nullptr;  // `length` bytes; must outlive the frame
};

struct FramePlace {
  SegmentIdentity identity;
  std::uint64_t offset = 0;
  std::uint64_t frame = 0;
  std::uint64_t next_version = 0;
  std::uint32_t flags = 0;
};

class Frame {
 public:
  Frame(const FramePlace& place, const std::vector<FrameInput>& inputs);

  [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
  // Aligned, each a multiple of kBlockSize long, length() bytes in all.
  [[nodiscard]] const std::vector<ByteView>& pieces() const noexcept { return pieces_; }
  [[nodiscard]] const std::vector<IndexedRecord>& records() const noexcept { return records_; }

 private:
  void append_small(const std::vector<FrameInput>& inputs, std::uint64_t from);
  void append_large(const std::vector<Slice>& payload);

  std::uint64_t length_ = 0;
  Buffer head_;
  std::deque<Buffer> copies_;
  std::vector<ByteView> pieces_;
  std::vector<IndexedRecord> records_;
};

}  // namespace mas::store
