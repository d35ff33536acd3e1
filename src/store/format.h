// The bytes of a segment: a header block, then frames. doc/store-format.md draws them.
//
// Integers are little-endian, sums XXH3 in canonical order. Every header names where it stands
// (volume, segment, offset, frame number), so that bytes of another place or an earlier life are
// never taken for it. Nothing here does I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "mas/core/bytes.h"
#include "mas/core/ids.h"

namespace mas::store {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint64_t kSegmentMagic = 0x0A474553'2D53414DULL;  // "MAS-SEG\n"
inline constexpr std::uint64_t kFrameMagic = 0x0A4D5246'2D53414DULL;    // "MAS-FRM\n"
inline constexpr std::uint64_t kSegmentHeaderSize = kBlockSize;         // frames start here
inline constexpr std::uint32_t kMaxPayload = 128 * 1024 * 1024;
// Payloads from this size on start on a block of their own and are written without a copy.
inline constexpr std::uint32_t kLargePayload = 32 * 1024;
// Small payloads start at multiples of this.
inline constexpr std::uint64_t kSmallAlignment = 8;

struct SegmentHeader {
  std::uint64_t magic = kSegmentMagic;
  std::uint32_t version = kFormatVersion;
  std::uint32_t reserved = 0;
  Id128 volume;
  std::uint64_t segment = 0;
  std::uint64_t size = 0;          // bytes preallocated
  std::uint64_t first_frame = 0;   // every frame of an older segment has a lower number
  std::uint64_t next_version = 0;  // every version in an older segment is lower
  Sum128 sum;                      // of all bytes before it
};
static_assert(sizeof(SegmentHeader) == 80);
static_assert(offsetof(SegmentHeader, volume) == 16);
static_assert(offsetof(SegmentHeader, segment) == 32);
static_assert(offsetof(SegmentHeader, first_frame) == 48);
static_assert(offsetof(SegmentHeader, sum) == 64);
static_assert(std::has_unique_object_representations_v<SegmentHeader>);
static_assert(std::is_trivially_copyable_v<SegmentHeader>);

inline constexpr std::uint32_t kClosingFrame = 1;  // written by a clean stop; has no records

struct FrameHeader {
  std::uint64_t magic = kFrameMagic;
  std::uint32_t version = kFormatVersion;
  std::uint32_t flags = 0;
  Id128 volume;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;  // of this header in the segment; a multiple of kBlockSize
  std::uint64_t frame = 0;   // counts up by one over the whole volume
  std::uint64_t length = 0;  // of the frame with payloads and padding; a multiple of kBlockSize
  std::uint32_t records = 0;
  std::uint32_t reserved = 0;
  std::uint64_t next_version = 0;  // every version given so far is lower
  Sum128 records_sum;              // of all record headers
  Sum128 sum;                      // of all bytes before it
};
static_assert(sizeof(FrameHeader) == 112);
static_assert(offsetof(FrameHeader, flags) == 12);
static_assert(offsetof(FrameHeader, volume) == 16);
static_assert(offsetof(FrameHeader, offset) == 40);
static_assert(offsetof(FrameHeader, frame) == 48);
static_assert(offsetof(FrameHeader, length) == 56);
static_assert(offsetof(FrameHeader, records) == 64);
static_assert(offsetof(FrameHeader, next_version) == 72);
static_assert(offsetof(FrameHeader, records_sum) == 80);
static_assert(offsetof(FrameHeader, sum) == 96);
static_assert(std::has_unique_object_representations_v<FrameHeader>);
static_assert(std::is_trivially_copyable_v<FrameHeader>);

enum class RecordType : std::uint8_t { payload = 1, tombstone = 2 };

struct RecordHeader {
  std::uint8_t type = 0;
  std::uint8_t key_kind = 0;
  std::uint16_t key_minor = 0;
  std::uint32_t length = 0;       // of the payload; 0 in a tombstone
  std::uint64_t place = 0;        // number of the frame this header stands in
  std::uint64_t first_place = 0;  // number of the frame it was first written in; kept by copies
  std::uint64_t version = 0;      // given once, kept by copies; the highest of a key counts
  std::array<std::uint8_t, 32> key_id{};
  std::uint64_t key_major = 0;
  std::uint64_t payload_offset = 0;  // from the start of the frame
  Sum128 payload_sum;
  std::uint64_t sum = 0;  // XXH3-64 of all bytes before it, seeded with record_seed
};
static_assert(sizeof(RecordHeader) == 104);
static_assert(offsetof(RecordHeader, length) == 4);
static_assert(offsetof(RecordHeader, place) == 8);
static_assert(offsetof(RecordHeader, first_place) == 16);
static_assert(offsetof(RecordHeader, version) == 24);
static_assert(offsetof(RecordHeader, key_id) == 32);
static_assert(offsetof(RecordHeader, key_major) == 64);
static_assert(offsetof(RecordHeader, payload_offset) == 72);
static_assert(offsetof(RecordHeader, payload_sum) == 80);
static_assert(offsetof(RecordHeader, sum) == 96);
static_assert(std::has_unique_object_representations_v<RecordHeader>);
static_assert(std::is_trivially_copyable_v<RecordHeader>);

// Whose bytes are expected.
struct SegmentIdentity {
  Id128 volume;
  std::uint64_t segment = 0;
};

// Fill in the sums; call last.
void seal(SegmentHeader& header);
void seal(RecordHeader& header, const SegmentIdentity& identity);
void seal(FrameHeader& header, std::span<const RecordHeader> records);

// Each of these gives nothing unless the bytes are whole and belong where they were found.
[[nodiscard]] std::optional<SegmentHeader> parse_segment_header(ByteView block,
                                                                const SegmentIdentity& identity);
// Whether it is the whole header of another segment, or of another volume's.
[[nodiscard]] bool is_other_segment(ByteView block, const SegmentIdentity& identity);
// `room`: bytes from `offset` to the end of the segment; a longer frame is refused.
[[nodiscard]] std::optional<FrameHeader> parse_frame_header(ByteView block,
                                                            const SegmentIdentity& identity,
                                                            std::uint64_t offset,
                                                            std::uint64_t room);
// Checks the header's own sum and that its values make sense within a frame of `frame_length`.
[[nodiscard]] std::optional<RecordHeader> parse_record_header(ByteView bytes,
                                                              const SegmentIdentity& identity,
                                                              std::uint64_t frame_length);

[[nodiscard]] Sum128 records_sum(ByteView record_headers);
[[nodiscard]] RecordKey key_of(const RecordHeader& header);
void set_key(RecordHeader& header, const RecordKey& key);
// "shard 0123... stripe 4 number 2", for logs and reports.
[[nodiscard]] std::string describe(const RecordKey& key);

// What a record takes up in a segment, its header included: the measure of live bytes.
[[nodiscard]] std::uint64_t footprint(std::uint32_t payload_length) noexcept;

// Grows with each record and knows how long the frame would be.
class FrameSize {
 public:
  void add(std::uint32_t payload_length) noexcept;
  [[nodiscard]] std::uint64_t length() const noexcept;       // a multiple of kBlockSize
  [[nodiscard]] std::uint64_t head_length() const noexcept;  // up to the first large payload
  [[nodiscard]] std::uint64_t headers_length() const noexcept;

 private:
  std::uint64_t records_ = 0;
  std::uint64_t small_ = 0;
  std::uint64_t large_ = 0;
};

}  // namespace mas::store
