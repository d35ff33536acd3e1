#include "store/frame_walker.h"

#include <algorithm>
#include <cstring>

namespace mas::store {
namespace {

constexpr std::size_t kScanWindow = 1024 * 1024;

bool all_zero(ByteView bytes) noexcept {
  if (bytes.empty()) return true;
  // Equal to itself shifted by one and starting with zero: all zero.
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

std::uint64_t header_offset(std::uint64_t frame_offset, std::uint64_t number) {
  return frame_offset + sizeof(FrameHeader) + number * sizeof(RecordHeader);
}

}  // namespace

FrameWalker::FrameWalker(fs::File& file, const SegmentIdentity& identity, std::uint64_t from,
                         std::uint64_t end, std::uint64_t after_frame, OnUnreadable on_unreadable)
    : file_(file),
      reader_(file),
      identity_(identity),
      position_(from),
      end_(end),
      last_frame_(after_frame),
      dirty_end_(from),
      on_unreadable_(on_unreadable) {}

// nullopt: the disk does not give these bytes, and that is to be skipped.
Result<std::optional<ByteView>> FrameWalker::look(BlockReader& reader, std::uint64_t offset,
                                                  std::size_t length) {
  Result<ByteView> bytes = reader.view(offset, length);
  if (bytes.has_value()) return std::optional<ByteView>(*bytes);
  const bool may_skip = on_unreadable_ == OnUnreadable::skip && unreadable_ < kMostUnreadable;
  if (!may_skip || bytes.error().code() != Code::io) return bytes.error();
  ++unreadable_;
  return std::optional<ByteView>();
}

IndexedRecord FrameWalker::indexed(const RecordHeader& header, std::uint64_t frame_offset,
                                   std::uint64_t number) const {
  IndexedRecord record;
  record.key = key_of(header);
  record.type = static_cast<RecordType>(header.type);
  record.first_place = header.first_place;
  record.location = {identity_.segment,
                     header_offset(frame_offset, number),
                     frame_offset + header.payload_offset,
                     header.version,
                     header.length,
                     header.payload_sum};
  return record;
}

Result<std::optional<WalkedFrame>> FrameWalker::next() {
  MAS_TRY(auto frame, read_frame(position_));
  if (!frame) {
    MAS_TRY(auto later, find_frame(position_ + kBlockSize));
    if (!later) return std::optional<WalkedFrame>();
    MAS_TRY(frame, salvage(position_, *later - position_));
  }
  position_ = frame->offset + frame->length;
  dirty_end_ = position_;
  last_frame_ = std::max(last_frame_, frame->frame);
  return frame;
}

Result<std::optional<WalkedFrame>> FrameWalker::read_frame(std::uint64_t offset) {
  if (offset + kBlockSize > end_) return std::optional<WalkedFrame>();
  MAS_TRY(const auto block, look(reader_, offset, kBlockSize));
  if (!block) return std::optional<WalkedFrame>();
  const auto header = parse_frame_header(*block, identity_, offset, end_ - offset);
  if (!header || header->frame <= last_frame_) return std::optional<WalkedFrame>();

  WalkedFrame frame;
  frame.offset = offset;
  frame.length = header->length;
  frame.header_ok = true;
  frame.frame = header->frame;
  frame.next_version = header->next_version;
  frame.closing = (header->flags & kClosingFrame) != 0;
  MAS_CHECK(read_headers(frame, *header));
  return std::optional<WalkedFrame>(std::move(frame));
}

Result<void> FrameWalker::read_headers(WalkedFrame& frame, const FrameHeader& header) {
  const std::uint64_t heads = std::uint64_t{header.records} * sizeof(RecordHeader);
  MAS_TRY(const auto headers, look(reader_, header_offset(frame.offset, 0), heads));
  const bool whole =
      headers && headers->size() == heads && records_sum(*headers) == header.records_sum;
  for (std::uint64_t i = 0; i < header.records; ++i) {
    const std::uint64_t start = i * sizeof(RecordHeader);
    std::optional<ByteView> bytes;
    if (headers && start + sizeof(RecordHeader) <= headers->size()) {
      bytes = headers->subspan(start);
    } else if (!headers) {
      // One bad sector among them: each is tried alone.
      MAS_TRY(bytes, look(reader_, header_offset(frame.offset, i), sizeof(RecordHeader)));
    }
    std::optional<RecordHeader> record;
    if (bytes && bytes->size() >= sizeof(RecordHeader)) {
      record = parse_record_header(*bytes, identity_, header.length);
    }
    if (record && record->place == header.frame) {
      frame.records.push_back(indexed(*record, frame.offset, i));
    } else {
      ++frame.bad_records;
    }
  }
  // Each header may vouch for itself and still not be the one the frame was sealed with.
  if (!whole && frame.bad_records == 0) {
    frame.bad_records = header.records;
    frame.records.clear();
  }
  return {};
}

Result<std::optional<std::uint64_t>> FrameWalker::find_frame(std::uint64_t from) {
  BlockReader scan(file_, kScanWindow);
  dirty_end_ = position_;
  for (std::uint64_t offset = position_; offset < end_; offset += kBlockSize) {
    MAS_TRY(const auto block, look(scan, offset, std::min(kBlockSize, end_ - offset)));
    if (block && all_zero(*block)) continue;
    dirty_end_ = offset + kBlockSize;
    if (offset < from || !block) continue;
    const auto header = parse_frame_header(*block, identity_, offset, end_ - offset);
    if (header && header->frame > last_frame_) return std::optional<std::uint64_t>(offset);
  }
  return std::optional<std::uint64_t>();
}

Result<WalkedFrame> FrameWalker::salvage(std::uint64_t offset, std::uint64_t length) {
  WalkedFrame frame;
  frame.offset = offset;
  frame.length = length;
  for (std::uint64_t i = 0; header_offset(0, i + 1) <= length; ++i) {
    MAS_TRY(const auto bytes, look(reader_, header_offset(offset, i), sizeof(RecordHeader)));
    if (!bytes) break;
    const auto record = parse_record_header(*bytes, identity_, length);
    if (!record || record->place <= last_frame_) break;
    if (frame.frame != 0 && record->place != frame.frame) break;
    frame.frame = record->place;
    frame.records.push_back(indexed(*record, offset, i));
  }
  if (frame.records.empty()) frame.bad_records = 1;
  return frame;
}

}  // namespace mas::store
