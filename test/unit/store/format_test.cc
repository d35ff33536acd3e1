// The bytes of the format, held still.
#include "store/format.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "mas/core/xxh3.h"
#include "store/frame_builder.h"
#include "support/must.h"

namespace mas::store {
namespace {

Id128 volume_id() {
  Id128 id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(i + 1);
  return id;
}

const SegmentIdentity kIdentity{volume_id(), 3};

std::string joined(const Frame& frame) {
  std::string bytes;
  for (ByteView piece : frame.pieces()) bytes += as_text(piece);
  return bytes;
}

Slice text_slice(std::string_view text) { return Slice::copy_of(as_bytes(text)); }

// A payload, a large payload and a tombstone at a known place.
std::string known_frame() {
  const std::vector<Slice> small{text_slice("hello, "), text_slice("store")};
  const std::vector<Slice> large{text_slice(std::string(kLargePayload, 'L'))};
  Id128 extent;
  extent.bytes.fill(0xE1);
  Hash hash;
  hash.bytes.fill(0xAB);
  const std::vector<FrameInput> inputs{
      {RecordKey::shard(extent, 7, 2), RecordType::payload, 100, 0, 12, xxh3_128(small), &small},
      {RecordKey::shard(extent, 8, 0), RecordType::payload, 101, 5, kLargePayload, xxh3_128(large),
       &large},
      {RecordKey::manifest(hash, 9, 1), RecordType::tombstone, 102, 0, 0, Sum128(), nullptr},
  };
  return joined(Frame({kIdentity, 8192, 42, 103, 0}, inputs));
}

std::string hex_of(const std::string& bytes, std::size_t from, std::size_t count) {
  return to_hex(as_bytes(std::string_view(bytes).substr(from, count)));
}

TEST_CASE("the frame's bytes are those of format version 1") {
  const std::string frame = known_frame();
  REQUIRE(frame.size() == 4096 + kLargePayload);
  CHECK(hex_of(frame, 0, sizeof(FrameHeader)) ==
        "4d41532d46524d0a01000000000000000102030405060708090a0b0c0d0e0f10"
        "030000000000000000200000000000002a000000000000000090000000000000"
        "0300000000000000670000000000000014726ef79cb2f7af12107639e61873cd"
        "373209c2fbfe05e8751026949ac0c259");
  CHECK(hex_of(frame, 112, sizeof(RecordHeader)) ==
        "010102000c0000002a000000000000002a000000000000006400000000000000"
        "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e100000000000000000000000000000000"
        "0700000000000000a801000000000000c96a9997e72ce299ba0c42a9a673fcdd"
        "436513f2a3405c17");
  CHECK(hex_of(frame, 216, sizeof(RecordHeader)) ==
        "01010000008000002a0000000000000005000000000000006500000000000000"
        "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e100000000000000000000000000000000"
        "080000000000000000100000000000002278cd68acf913dd2b486789b118fded"
        "e280dbfa3fd8b315");
  CHECK(hex_of(frame, 320, sizeof(RecordHeader)) ==
        "02020100000000002a000000000000002a000000000000006600000000000000"
        "abababababababababababababababababababababababababababababababab"
        "0900000000000000000000000000000000000000000000000000000000000000"
        "567502a905a61058");
  CHECK(frame.substr(424, 16) == std::string("hello, store\0\0\0\0", 16));
  CHECK(frame.substr(440, 4096 - 440) == std::string(4096 - 440, '\0'));
  CHECK(frame.substr(4096) == std::string(kLargePayload, 'L'));
}

TEST_CASE("the segment header's bytes are those of format version 1") {
  SegmentHeader header;
  header.volume = volume_id();
  header.segment = 3;
  header.size = 1 << 20;
  header.first_frame = 41;
  header.next_version = 99;
  seal(header);
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  CHECK(hex_of(bytes, 0, bytes.size()) ==
        "4d41532d5345470a01000000000000000102030405060708090a0b0c0d0e0f10"
        "0300000000000000000010000000000029000000000000006300000000000000"
        "667e756c21c6d05cf101f90c91e412b5");
  const auto parsed = parse_segment_header(as_bytes(bytes), kIdentity);
  REQUIRE(parsed);
  CHECK(parsed->size == 1 << 20);
  CHECK(parsed->first_frame == 41);
  CHECK(parsed->next_version == 99);
  CHECK_FALSE(parse_segment_header(as_bytes(bytes), {volume_id(), 4}));
  CHECK_FALSE(parse_segment_header(as_bytes(bytes), {Id128(), 3}));
}

TEST_CASE("headers with any bit flipped, or cut short, are refused") {
  const std::string frame = known_frame();
  const std::uint64_t room = 1 << 20;
  REQUIRE(parse_frame_header(as_bytes(frame), kIdentity, 8192, room));
  const std::string record = frame.substr(112, sizeof(RecordHeader));
  REQUIRE(parse_record_header(as_bytes(record), kIdentity, frame.size()));
  for (std::size_t bit = 0; bit < sizeof(FrameHeader) * 8; ++bit) {
    std::string bad = frame.substr(0, sizeof(FrameHeader));
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(parse_frame_header(as_bytes(bad), kIdentity, 8192, room));
  }
  for (std::size_t bit = 0; bit < sizeof(RecordHeader) * 8; ++bit) {
    std::string bad = record;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(parse_record_header(as_bytes(bad), kIdentity, frame.size()));
  }
  for (std::size_t size = 0; size < sizeof(RecordHeader); ++size) {
    CHECK_FALSE(parse_record_header(as_bytes(record).first(size), kIdentity, frame.size()));
    CHECK_FALSE(parse_frame_header(as_bytes(frame).first(size), kIdentity, 8192, room));
    CHECK_FALSE(parse_segment_header(as_bytes(frame).first(size), kIdentity));
  }
}

TEST_CASE("a valid frame at another place, or of another volume or segment, is refused") {
  const std::string frame = known_frame();
  const std::uint64_t room = 1 << 20;
  CHECK_FALSE(parse_frame_header(as_bytes(frame), kIdentity, 4096, room));
  CHECK_FALSE(parse_frame_header(as_bytes(frame), {volume_id(), 2}, 8192, room));
  CHECK_FALSE(parse_frame_header(as_bytes(frame), {Id128(), 3}, 8192, room));
  CHECK_FALSE(parse_frame_header(as_bytes(frame), kIdentity, 8192, frame.size() - 4096));
  const std::string record = frame.substr(112, sizeof(RecordHeader));
  CHECK_FALSE(parse_record_header(as_bytes(record), {volume_id(), 2}, frame.size()));
  CHECK_FALSE(parse_record_header(as_bytes(record), {Id128(), 3}, frame.size()));
}

TEST_CASE("sealed headers with values that make no sense are refused") {
  FrameHeader frame;
  frame.volume = volume_id();
  frame.segment = 3;
  frame.offset = 4096;
  frame.length = 4096;
  auto parses = [](FrameHeader header, std::uint32_t records) {
    seal(header, {});
    header.records = records;
    std::string bytes(sizeof header, '\0');
    header.sum =
        xxh3_128({reinterpret_cast<const std::uint8_t*>(&header), offsetof(FrameHeader, sum)});
    std::memcpy(bytes.data(), &header, sizeof header);
    return parse_frame_header(as_bytes(bytes), kIdentity, 4096, 1 << 20).has_value();
  };
  CHECK(parses(frame, 0));
  CHECK(parses(frame, 38));
  CHECK_FALSE(parses(frame, 39));
  CHECK_FALSE(parses(frame, 0xFFFFFFFF));
  frame.length = 0;
  CHECK_FALSE(parses(frame, 0));
  frame.length = 5000;
  CHECK_FALSE(parses(frame, 0));
  frame.length = 2 << 20;
  CHECK_FALSE(parses(frame, 0));
  frame.length = 4096;
  frame.version = 2;
  CHECK_FALSE(parses(frame, 0));

  RecordHeader record;
  record.type = static_cast<std::uint8_t>(RecordType::payload);
  record.key_kind = static_cast<std::uint8_t>(RecordKind::shard);
  record.length = 100;
  record.payload_offset = 4096 - 100;
  auto accepts = [](RecordHeader header) {
    seal(header, kIdentity);
    std::string bytes(sizeof header, '\0');
    std::memcpy(bytes.data(), &header, sizeof header);
    return parse_record_header(as_bytes(bytes), kIdentity, 4096).has_value();
  };
  CHECK(accepts(record));
  RecordHeader bad = record;
  bad.payload_offset = 4096 - 99;
  CHECK_FALSE(accepts(bad));
  bad.payload_offset = ~std::uint64_t{0};
  CHECK_FALSE(accepts(bad));
  bad = record;
  bad.length = 0;
  CHECK_FALSE(accepts(bad));
  bad.length = kMaxPayload + 1;
  CHECK_FALSE(accepts(bad));
  bad = record;
  bad.type = 3;
  CHECK_FALSE(accepts(bad));
  bad.type = static_cast<std::uint8_t>(RecordType::tombstone);
  CHECK_FALSE(accepts(bad));
  bad = record;
  bad.key_kind = 9;
  CHECK_FALSE(accepts(bad));
}

TEST_CASE("aligned payload bytes are written from where they are, the rest is copied") {
  Buffer buffer = Buffer::allocate(64 * 1024);
  std::memset(buffer.data(), 'A', buffer.capacity());
  const std::uint8_t* memory = buffer.data();
  const Slice aligned = std::move(buffer).freeze(64 * 1024);
  const std::vector<Slice> pieces{aligned, text_slice("tail")};
  const std::vector<FrameInput> inputs{
      {RecordKey(), RecordType::payload, 1, 0, 64 * 1024 + 4, xxh3_128(pieces), &pieces}};
  const Frame frame({kIdentity, 4096, 1, 2, 0}, inputs);
  REQUIRE(frame.pieces().size() == 3);
  CHECK(frame.pieces()[1].data() == memory);
  CHECK(frame.pieces()[1].size() == 64 * 1024);
  CHECK(frame.pieces()[2].size() == 4096);
  CHECK(frame.length() == 4096 + 64 * 1024 + 4096);
  for (ByteView piece : frame.pieces()) {
    CHECK(reinterpret_cast<std::uintptr_t>(piece.data()) % kBlockSize == 0);
    CHECK(piece.size() % kBlockSize == 0);
  }
}

}  // namespace
}  // namespace mas::store
