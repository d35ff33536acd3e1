#include "mas/meta/records.h"

#include <cstring>
#include <functional>

#include "support/must.h"

using namespace mas;
using namespace mas::meta;

namespace {

template <std::size_t N>
void fill(std::array<std::uint8_t, N>& bytes, std::uint8_t from) {
  for (std::uint8_t& byte : bytes) byte = from++;
}

Extent extent(std::uint8_t n) {
  Extent extent{{}, 1000ULL * n, 4U << 20, Profile{4, 2}};
  fill(extent.id.bytes, n);
  return extent;
}

Object object() {
  Object object;
  fill(object.hash.bytes, 1);
  object.size = 3000;
  object.name = "a name";
  object.created = 1'795'366'800;
  object.generation = 77;
  object.replaces = 76;
  object.state = ObjectState::condemned;
  object.damaged = true;
  object.condemned_at = -5;
  object.extents = {extent(1), extent(2)};
  return object;
}

Upload upload() {
  Upload upload;
  fill(upload.id.bytes, 40);
  upload.kind = UploadKind::recode;
  fill(upload.hash.bytes, 50);
  upload.session = "session";
  upload.name = "name";
  upload.state = UploadState::sealed;
  upload.created = 1;
  upload.expires = INT64_MAX;
  upload.stored = UINT64_MAX;
  upload.part_count = 10'000;
  upload.touches = 5;
  upload.part_extents = 20'000;
  upload.run = {9'999, 12345, "a state of SHA-256", {}};
  fill(upload.run.chain.bytes, 70);
  upload.registered = {{extent(3), 333}, {extent(8), 0}};
  return upload;
}

Part part() {
  Part part;
  part.number = 10'000;
  part.size = 123;
  fill(part.sum.bytes, 9);
  part.extents = {extent(4), extent(5), extent(6)};
  fill(part.sender.bytes, 90);
  return part;
}

std::string from_hex_text(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  REQUIRE(from_hex(hex, MutableBytes(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size())));
  return bytes;
}

FreedEntry freed() { return {99, extent(7), 1'000}; }

FreedEntry freed_manifests() {
  FreedEntry entry{100, {}, 1'001, ManifestRange{{}, 5, 77}};
  fill(entry.manifests->hash.bytes, 0x20);
  return entry;
}

Object released() {
  Object released = object();
  released.extents.clear();
  released.released = 101;
  return released;
}

// One record of each kind: its bytes, and whether bytes decode as that kind.
struct Kind {
  std::string bytes;
  std::function<Code(std::string_view)> decode;
};

std::vector<Kind> kinds() {
  return {
      {encode(object()), [](std::string_view b) { return code_of(decode_object(b)); }},
      {encode(upload()), [](std::string_view b) { return code_of(decode_upload(b)); }},
      {encode(part()), [](std::string_view b) { return code_of(decode_part(b)); }},
      {encode(freed()), [](std::string_view b) { return code_of(decode_freed(b)); }},
      {encode(freed_manifests()), [](std::string_view b) { return code_of(decode_freed(b)); }},
      {encode(released()), [](std::string_view b) { return code_of(decode_object(b)); }},
      {encode(object().extents), [](std::string_view b) { return code_of(decode_extents(b)); }},
  };
}

}  // namespace

TEST_CASE("every record is read back as it was written") {
  CHECK(must(decode_object(encode(object()))) == object());
  CHECK(must(decode_object(encode(Object{}))) == Object{});
  CHECK(must(decode_upload(encode(upload()))) == upload());
  CHECK(must(decode_upload(encode(Upload{}))) == Upload{});
  CHECK(must(decode_part(encode(part()))) == part());
  CHECK(must(decode_freed(encode(freed()))) == freed());
  CHECK(must(decode_freed(encode(freed_manifests()))) == freed_manifests());
  CHECK(must(decode_object(encode(released()))) == released());
  CHECK(must(decode_extents(encode(object().extents))) == object().extents);
  CHECK(must(decode_extents(encode(std::vector<Extent>{}))).empty());
}

TEST_CASE("a record cut at any byte is refused") {
  for (const Kind& kind : kinds()) {
    REQUIRE(kind.decode(kind.bytes) == Code::ok);
    for (std::size_t size = 0; size < kind.bytes.size(); ++size) {
      REQUIRE(kind.decode(kind.bytes.substr(0, size)) == Code::corrupt);
    }
  }
}

TEST_CASE("a record with anything behind it is refused") {
  for (const Kind& kind : kinds()) {
    CHECK(kind.decode(kind.bytes + '\0') == Code::corrupt);
    CHECK(kind.decode(kind.bytes + kind.bytes) == Code::corrupt);
  }
}

TEST_CASE("a record of another kind or version is refused") {
  auto all = kinds();
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) {
      bool same_kind = all[i].bytes[0] == all[j].bytes[0];
      if (!same_kind) CHECK(all[i].decode(all[j].bytes) == Code::corrupt);
    }
    for (char version : {'\0', '\3', '\xff'}) {
      std::string other = all[i].bytes;
      other[1] = version;
      CHECK(all[i].decode(other) == Code::corrupt);
    }
  }
}

TEST_CASE("records of version 1 are read, but for a hash that does not say what it is over") {
  // As 51f0c4d wrote them.
  Upload old = must(decode_upload(from_hex_text(
      "55010000000000000000000000000000000001000000000000000000000000000000000000000000000000000000"
      "00000000000700000073657373696f6e040000006e616d6501010000000000000002000000000000000300000000"
      "00000004000000010000000a00000000000000050000007374617465"
      "01000000030405060708090a0b0c0d0e0f101112b80b000000000000000040000402")));
  Upload expected;
  expected.session = "session";
  expected.name = "name";
  expected.created = 1;
  expected.expires = 2;
  expected.stored = 3;
  expected.part_count = 4;
  expected.registered = {{extent(3), 0}};
  CHECK(old == expected);
  Part part = must(decode_part(
      from_hex_text("5001070000007b000000000000000000000000000000000000000000000001000000"
                    "0405060708090a0b0c0d0e0f10111213a00f000000000000000040000402")));
  CHECK(part == Part{7, 123, {}, {extent(4)}, {}});
}

TEST_CASE("objects and freed entries of one version are not of the other's form") {
  for (const Kind& kind : kinds()) {
    if (kind.bytes[0] != 'O' && kind.bytes[0] != 'F') continue;
    std::string other = kind.bytes;
    other[1] = other[1] == 1 ? 2 : 1;
    CHECK(kind.decode(other) == Code::corrupt);
  }
}

TEST_CASE("values that no record can have are refused") {
  Object bad_state = object();
  bad_state.state = static_cast<ObjectState>(0);
  CHECK(code_of(decode_object(encode(bad_state))) == Code::corrupt);
  bad_state.state = static_cast<ObjectState>(3);
  CHECK(code_of(decode_object(encode(bad_state))) == Code::corrupt);

  Upload bad_upload = upload();
  bad_upload.state = static_cast<UploadState>(5);
  CHECK(code_of(decode_upload(encode(bad_upload))) == Code::corrupt);
  bad_upload = upload();
  bad_upload.kind = static_cast<UploadKind>(0);
  CHECK(code_of(decode_upload(encode(bad_upload))) == Code::corrupt);

  Object bad_released = released();
  bad_released.state = ObjectState::live;
  CHECK(code_of(decode_object(encode(bad_released))) == Code::corrupt);
  std::string never = encode(released());
  never.replace(never.size() - 8, 8, 8, '\0');
  CHECK(code_of(decode_object(never)) == Code::corrupt);

  FreedEntry bad_range = freed_manifests();
  bad_range.manifests->first = 78;
  CHECK(code_of(decode_freed(encode(bad_range))) == Code::corrupt);
  std::string bad_kind = encode(freed_manifests());
  bad_kind[2 + 16] = 1;
  CHECK(code_of(decode_freed(bad_kind)) == Code::corrupt);

  Part bad_part = part();
  bad_part.number = 0;
  CHECK(code_of(decode_part(encode(bad_part))) == Code::corrupt);

  for (Profile profile : {Profile{0, 1}, Profile{9, 8}, Profile{255, 255}}) {
    std::vector<Extent> extents{extent(1)};
    extents[0].profile = profile;
    CHECK(code_of(decode_extents(encode(extents))) == Code::corrupt);
  }
  std::string damaged = encode(object());
  std::size_t flag = damaged.size() - (4 + 2 * 30) - 8 - 1;
  REQUIRE(damaged[flag] == 1);
  damaged[flag] = 2;
  CHECK(code_of(decode_object(damaged)) == Code::corrupt);
}

TEST_CASE("a count of more extents than there are bytes for is refused before it is believed") {
  std::string bytes = encode(std::vector<Extent>{extent(1)});
  for (std::uint32_t count : {2U, 1'000'000U, UINT32_MAX}) {
    std::memcpy(bytes.data() + 2, &count, sizeof(count));
    CHECK(code_of(decode_extents(bytes)) == Code::corrupt);
  }
}

TEST_CASE("the bytes of a record are those of the format's page") {
  // 'F' 1, sequence, freed_at, id, length, stripe size, k, m: little-endian.
  CHECK(to_hex(as_bytes(encode(freed()))) ==
        "46016300000000000000e803000000000000"
        "0708090a0b0c0d0e0f10111213141516"
        "581b000000000000000040000402");
  // 'F' 2, sequence, freed_at, kind 2, hash, first and last generation.
  CHECK(to_hex(as_bytes(encode(freed_manifests()))) ==
        "46026400000000000000e90300000000000002"
        "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
        "05000000000000004d00000000000000");
  // 'P' 2, number, size, sum, sender, count, extents.
  CHECK(to_hex(as_bytes(encode(Part{7, 123, {}, {extent(4)}, {}}))) ==
        "5002070000007b00000000000000" + std::string(64, '0') +
            "010000000405060708090a0b0c0d0e0f10111213a00f000000000000000040000402");
  // 'U' 2, up to the run: its parts, bytes, state and chain, then what is registered.
  Upload small;
  small.touches = 9;
  small.part_extents = 8;
  small.run = {1, 10, "state", {}};
  small.registered = {{extent(3), 7}};
  CHECK(to_hex(as_bytes(encode(small))).substr(2 * (2 + 16 + 1 + 32 + 4 + 4 + 1 + 8 + 8)) ==
        "0900000000000000"
        "0000000000000000"
        "00000000"
        "08000000"
        "01000000"
        "0a00000000000000"
        "050000007374617465" +
            std::string(32, '0') +
            "01000000030405060708090a0b0c0d0e0f101112b80b000000000000000040000402"
            "0700000000000000");
}

TEST_CASE("a chain says which parts it is over, and in which order") {
  const Part one{1, 10, {}, {extent(1)}, {}};
  Part other = one;
  other.sum.bytes[15] = 1;
  Part longer = one;
  longer.size = 11;
  Part later = one;
  later.number = 2;
  const Sum128 chain = chain_after({}, one);
  for (const Part& part : {other, longer, later}) CHECK(chain_after({}, part) != chain);
  CHECK(chain_after(chain, later) != chain_after(chain_after({}, later), one));
  // Where it is stored, and by whom it was sent, is no matter of its content.
  Part moved = one;
  moved.extents = {extent(2)};
  moved.sender.bytes.fill(3);
  CHECK(chain_after({}, moved) == chain);
  CHECK(to_hex(chain.bytes) == "1dd9eaa376f4b34fe0232a66ae13b4af");
}
