#include "store/format.h"

#include <cstring>

#include "mas/core/xxh3.h"

namespace mas::store {
namespace {

template <class T>
ByteView bytes_before_sum(const T& header) {
  return {reinterpret_cast<const std::uint8_t*>(&header), offsetof(T, sum)};
}

template <class T>
std::optional<T> load(ByteView bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T header;
  std::memcpy(&header, bytes.data(), sizeof(T));
  return header;
}

// Binds a record header to its volume and segment without spending bytes on them.
std::uint64_t record_seed(const SegmentIdentity& identity) {
  return xxh3_64(identity.volume.bytes, identity.segment);
}

bool fits_small(std::uint32_t payload_length) noexcept { return payload_length < kLargePayload; }

}  // namespace

void seal(SegmentHeader& header) { header.sum = xxh3_128(bytes_before_sum(header)); }

void seal(RecordHeader& header, const SegmentIdentity& identity) {
  header.sum = xxh3_64(bytes_before_sum(header), record_seed(identity));
}

void seal(FrameHeader& header, std::span<const RecordHeader> records) {
  header.records = static_cast<std::uint32_t>(records.size());
  header.records_sum =
      records_sum({reinterpret_cast<const std::uint8_t*>(records.data()), records.size_bytes()});
  header.sum = xxh3_128(bytes_before_sum(header));
}

namespace {

std::optional<SegmentHeader> whole_segment_header(ByteView block) {
  auto header = load<SegmentHeader>(block);
  if (!header || header->magic != kSegmentMagic || header->version != kFormatVersion) return {};
  if (header->sum != xxh3_128(bytes_before_sum(*header))) return {};
  return header;
}

bool belongs_to(const SegmentHeader& header, const SegmentIdentity& identity) {
  return header.volume == identity.volume && header.segment == identity.segment;
}

}  // namespace

std::optional<SegmentHeader> parse_segment_header(ByteView block, const SegmentIdentity& identity) {
  auto header = whole_segment_header(block);
  if (!header || !belongs_to(*header, identity)) return {};
  return header;
}

bool is_other_segment(ByteView block, const SegmentIdentity& identity) {
  const auto header = whole_segment_header(block);
  return header && !belongs_to(*header, identity);
}

std::optional<FrameHeader> parse_frame_header(ByteView block, const SegmentIdentity& identity,
                                              std::uint64_t offset, std::uint64_t room) {
  auto header = load<FrameHeader>(block);
  if (!header || header->magic != kFrameMagic || header->version != kFormatVersion) return {};
  if (header->sum != xxh3_128(bytes_before_sum(*header))) return {};
  if (header->volume != identity.volume || header->segment != identity.segment) return {};
  if (header->offset != offset) return {};
  if (header->length == 0 || header->length % kBlockSize != 0 || header->length > room) return {};
  const std::uint64_t heads = std::uint64_t{header->records} * sizeof(RecordHeader);
  if (sizeof(FrameHeader) + heads > header->length) return {};
  return header;
}

std::optional<RecordHeader> parse_record_header(ByteView bytes, const SegmentIdentity& identity,
                                                std::uint64_t frame_length) {
  auto header = load<RecordHeader>(bytes);
  if (!header || header->sum != xxh3_64(bytes_before_sum(*header), record_seed(identity)))
    return {};
  if (header->key_kind != static_cast<std::uint8_t>(RecordKind::shard) &&
      header->key_kind != static_cast<std::uint8_t>(RecordKind::manifest)) {
    return {};
  }
  if (header->type == static_cast<std::uint8_t>(RecordType::tombstone)) {
    if (header->length != 0) return {};
    return header;
  }
  if (header->type != static_cast<std::uint8_t>(RecordType::payload)) return {};
  if (header->length == 0 || header->length > kMaxPayload) return {};
  if (header->payload_offset > frame_length) return {};
  if (header->length > frame_length - header->payload_offset) return {};
  return header;
}

Sum128 records_sum(ByteView record_headers) { return xxh3_128(record_headers); }

RecordKey key_of(const RecordHeader& header) {
  RecordKey key;
  key.kind = static_cast<RecordKind>(header.key_kind);
  key.id = header.key_id;
  key.major = header.key_major;
  key.minor = header.key_minor;
  return key;
}

void set_key(RecordHeader& header, const RecordKey& key) {
  header.key_kind = static_cast<std::uint8_t>(key.kind);
  header.key_id = key.id;
  header.key_major = key.major;
  header.key_minor = key.minor;
}

std::string describe(const RecordKey& key) {
  if (key.kind == RecordKind::shard) {
    return "shard " + key.extent().hex() + " stripe " + std::to_string(key.major) + " number " +
           std::to_string(key.minor);
  }
  return "manifest " + key.hash().hex() + " generation " + std::to_string(key.major) + " copy " +
         std::to_string(key.minor);
}

std::uint64_t footprint(std::uint32_t payload_length) noexcept {
  return sizeof(RecordHeader) +
         round_up(payload_length, fits_small(payload_length) ? kSmallAlignment : kBlockSize);
}

void FrameSize::add(std::uint32_t payload_length) noexcept {
  ++records_;
  if (fits_small(payload_length)) {
    small_ += round_up(payload_length, kSmallAlignment);
  } else {
    large_ += round_up(payload_length, kBlockSize);
  }
}

std::uint64_t FrameSize::headers_length() const noexcept {
  return sizeof(FrameHeader) + records_ * sizeof(RecordHeader);
}
std::uint64_t FrameSize::head_length() const noexcept {
  return round_up(headers_length() + small_, kBlockSize);
}
std::uint64_t FrameSize::length() const noexcept { return head_length() + large_; }

}  // namespace mas::store
