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
  upload.run = {9'999, 12345, "a state of SHA-256"};
  upload.registered = {extent(3)};
  return upload;
}

Part part() {
  Part part;
  part.number = 10'000;
  part.size = 123;
  fill(part.sum.bytes, 9);
  part.extents = {extent(4), extent(5), extent(6)};
  return part;
}

FreedExtent freed() { return {99, extent(7), 1'000}; }

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
      if (i != j) CHECK(all[i].decode(all[j].bytes) == Code::corrupt);
    }
    for (char version : {'\0', '\2', '\xff'}) {
      std::string other = all[i].bytes;
      other[1] = version;
      CHECK(all[i].decode(other) == Code::corrupt);
    }
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
}
