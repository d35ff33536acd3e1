#include "store/frame_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mas::store {
namespace {

bool is_aligned(const std::uint8_t* data) noexcept {
  return reinterpret_cast<std::uintptr_t>(data) % kBlockSize == 0;
}

// Collects what must be copied into aligned buffers and hands out whole blocks of it.
class Copier {
 public:
  Copier(std::deque<Buffer>& buffers, std::vector<ByteView>& pieces)
      : buffers_(buffers), pieces_(pieces) {}

  // Bytes missing to the next block boundary.
  [[nodiscard]] std::size_t to_boundary() const noexcept {
    return round_up(fill_, kBlockSize) - fill_;
  }
  void copy(ByteView bytes) {
    while (!bytes.empty()) {
      if (!current_ || fill_ == current_->capacity()) open(bytes.size());
      const std::size_t count = std::min(bytes.size(), current_->capacity() - fill_);
      std::memcpy(current_->data() + fill_, bytes.data(), count);
      fill_ += count;
      bytes = bytes.subspan(count);
    }
  }
  // Pads with zeros to the boundary and hands out what was collected.
  void flush() {
    if (!current_) return;
    const std::size_t end = round_up(fill_, kBlockSize);
    std::memset(current_->data() + fill_, 0, end - fill_);
    fill_ = end;
    if (fill_ > start_) pieces_.emplace_back(current_->data() + start_, fill_ - start_);
    start_ = fill_;
  }

 private:
  void open(std::size_t wanted) {
    constexpr std::size_t kSmallest = 64 * 1024;
    constexpr std::size_t kLargest = 4 * 1024 * 1024;
    flush();
    buffers_.push_back(Buffer::allocate(std::clamp(wanted, kSmallest, kLargest)));
    current_ = &buffers_.back();
    start_ = fill_ = 0;
  }

  std::deque<Buffer>& buffers_;
  std::vector<ByteView>& pieces_;
  Buffer* current_ = nullptr;
  std::size_t start_ = 0;
  std::size_t fill_ = 0;
};

// Where the payloads of a frame go: small ones one behind the other, large ones on blocks.
struct PayloadPlaces {
  std::uint64_t small;
  std::uint64_t large;

  std::uint64_t take(std::uint64_t length) {
    const bool is_large = length >= kLargePayload;
    std::uint64_t& next = is_large ? large : small;
    return std::exchange(next, next + round_up(length, is_large ? kBlockSize : kSmallAlignment));
  }
};

RecordHeader header_of(const FrameInput& input, const FramePlace& place, PayloadPlaces& payloads) {
  RecordHeader header;
  header.type = static_cast<std::uint8_t>(input.type);
  set_key(header, input.key);
  header.length = input.length;
  header.place = place.frame;
  header.first_place = input.first_place == 0 ? place.frame : input.first_place;
  header.version = input.version;
  header.payload_sum = input.sum;
  if (input.type == RecordType::payload) header.payload_offset = payloads.take(input.length);
  seal(header, place.identity);
  return header;
}

FrameHeader header_of(const FramePlace& place, std::uint64_t length,
                      const std::vector<RecordHeader>& records) {
  FrameHeader header;
  header.flags = place.flags;
  header.volume = place.identity.volume;
  header.segment = place.identity.segment;
  header.offset = place.offset;
  header.frame = place.frame;
  header.length = length;
  header.next_version = place.next_version;
  seal(header, records);
  return header;
}

}  // namespace

Frame::Frame(const FramePlace& place, const std::vector<FrameInput>& inputs) {
  FrameSize size;
  for (const FrameInput& input : inputs) size.add(input.length);
  length_ = size.length();
  head_ = Buffer::allocate(size.head_length());

  std::vector<RecordHeader> headers;
  headers.reserve(inputs.size());
  records_.reserve(inputs.size());
  PayloadPlaces payloads{size.headers_length(), size.head_length()};
  for (const FrameInput& input : inputs) {
    const RecordHeader header = header_of(input, place, payloads);
    const std::uint64_t header_offset =
        place.offset + sizeof(FrameHeader) + headers.size() * sizeof(RecordHeader);
    records_.push_back(
        {input.key,
         input.type,
         header.first_place,
         {place.identity.segment, header_offset, place.offset + header.payload_offset,
          input.version, input.length, input.sum}});
    headers.push_back(header);
  }

  const FrameHeader frame = header_of(place, length_, headers);
  std::memcpy(head_.data(), &frame, sizeof frame);
  if (!headers.empty()) {
    std::memcpy(head_.data() + sizeof frame, headers.data(), headers.size() * sizeof(RecordHeader));
  }
  append_small(inputs, size.headers_length());
  pieces_.emplace_back(head_.data(), size.head_length());
  for (const FrameInput& input : inputs) {
    if (input.type == RecordType::payload && input.length >= kLargePayload) {
      append_large(*input.pieces);
    }
  }
}

void Frame::append_small(const std::vector<FrameInput>& inputs, std::uint64_t from) {
  std::uint64_t end = from;
  auto append = [&](ByteView bytes) {
    if (bytes.empty()) return;
    std::memcpy(head_.data() + end, bytes.data(), bytes.size());
    end += bytes.size();
  };
  static constexpr std::uint8_t kZeros[kSmallAlignment] = {};
  for (const FrameInput& input : inputs) {
    if (input.type != RecordType::payload || input.length >= kLargePayload) continue;
    for (const Slice& piece : *input.pieces) append(piece.view());
    append(ByteView(kZeros, round_up(end, kSmallAlignment) - end));
  }
  std::memset(head_.data() + end, 0, head_.capacity() - end);
}

void Frame::append_large(const std::vector<Slice>& payload) {
  Copier copier(copies_, pieces_);
  for (const Slice& piece : payload) {
    ByteView rest = piece.view();
    const std::size_t lead = copier.to_boundary();
    // After `lead` copied bytes the file is at a block boundary; if the memory is too, the whole
    // blocks from there on need no copy.
    if (rest.size() >= lead + kBlockSize && is_aligned(rest.data() + lead)) {
      copier.copy(rest.first(lead));
      copier.flush();
      rest = rest.subspan(lead);
      const std::size_t whole = rest.size() / kBlockSize * kBlockSize;
      pieces_.push_back(rest.first(whole));
      rest = rest.subspan(whole);
    }
    copier.copy(rest);
  }
  copier.flush();
}

}  // namespace mas::store
