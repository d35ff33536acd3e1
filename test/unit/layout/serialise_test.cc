#include <catch2/catch.hpp>
#include <cstring>

#include "mas/core/endian.h"
#include "mas/core/xxh3.h"
#include "mas/layout/layout.h"
#include "members.h"

using namespace mas;
using namespace mas::layout;
using namespace mas::layout::test;

namespace {

// A document of one's own making, with the right sum.
class Document {
 public:
  Document() {
    out_.raw(as_bytes("MLAY"));
    out_.write(std::uint16_t{1});
    out_.write(std::uint64_t{5});
    out_.write(Id128{});
  }
  Document& count(std::uint16_t members) { return put(members); }
  Document& member(std::string_view slot, std::string_view zone = "") {
    out_.text(slot);
    out_.write(Id128{});
    out_.text(zone);
    out_.write(std::uint32_t{1});
    return *this;
  }
  Document& rows(std::uint32_t number, const std::vector<MemberIndex>& row) {
    put(number);
    for (std::uint32_t i = 0; i < number; ++i) {
      put(static_cast<std::uint8_t>(row.size()));
      for (MemberIndex index : row) put(index);
    }
    return *this;
  }
  template <class T>
  Document& put(T value) {
    out_.write(value);
    return *this;
  }
  [[nodiscard]] Code code() const {
    ByteWriter whole;
    whole.raw(as_bytes(out_.bytes()));
    whole.write(xxh3_64(as_bytes(out_.bytes())));
    auto parsed = parse(whole.bytes());
    return parsed.has_error() ? parsed.error().code() : Code::ok;
  }

 private:
  ByteWriter out_;
};

}  // namespace

TEST_CASE("a layout comes back from its document as it was") {
  for (int count : {1, 3, 20}) {
    std::vector<Member> some = members(count);
    some[0].zone = "zone \xc3\xa9";
    some[0].weight = 4'000'000'000;
    Layout layout = found(some_cluster(), some);
    layout.version = 77;
    Layout again = parse(serialise(layout)).value();
    CHECK(again.version == 77);
    CHECK(again.cluster == layout.cluster);
    CHECK(again.members == layout.members);
    CHECK(again.rows == layout.rows);
  }
}

TEST_CASE("a layout without members has a document too") {
  Layout again = parse(serialise(Layout{})).value();
  CHECK(again.version == 0);
  CHECK(again.members.empty());
}

TEST_CASE("a document cut or changed anywhere is refused") {
  std::string document = serialise(found(some_cluster(), members(2)));
  for (std::size_t at = 0; at < document.size(); at += at < 200 ? 1 : 97) {
    auto cut = parse(document.substr(0, at));
    REQUIRE(cut.has_error());
    CHECK(cut.error().code() == Code::corrupt);
    std::string wrong = document;
    wrong[at] = static_cast<char>(wrong[at] ^ 4);
    REQUIRE(parse(wrong).has_error());
  }
  CHECK(parse(document + '\0').has_error());
}

TEST_CASE("a document that lies is refused even if its sum is right") {
  CHECK(Document().count(2).member("a").member("b").rows(4096, {0, 1}).code() == Code::ok);
  CHECK(Document().count(0).rows(0, {}).code() == Code::ok);
  CHECK(Document().code() == Code::corrupt);
  CHECK(Document().count(0).rows(4096, {0}).code() == Code::corrupt);
  CHECK(Document().count(1).member("a").rows(0, {}).code() == Code::corrupt);
  CHECK(Document().count(1).member("a").rows(4095, {0}).code() == Code::corrupt);
  CHECK(Document().count(1).member("a").rows(4097, {0}).code() == Code::corrupt);
  CHECK(Document().count(1).member("a").put(std::uint32_t{0xffffffff}).code() == Code::corrupt);
  CHECK(Document().count(1).member("a").rows(4096, {}).code() == Code::corrupt);
  CHECK(Document().count(1).member("a").rows(4096, {1}).code() == Code::corrupt);
  CHECK(Document().count(1).member("a").rows(4096, {0, 0}).code() == Code::corrupt);
  CHECK(Document().count(2).member("a").member("b").rows(4096, {1, 1}).code() == Code::corrupt);
  CHECK(Document().count(2).member("a").member("a").rows(4096, {0}).code() == Code::corrupt);
  CHECK(Document().count(1).member("").rows(4096, {0}).code() == Code::corrupt);
  CHECK(Document().count(1).member(std::string(256, 's')).rows(4096, {0}).code() == Code::corrupt);
  CHECK(Document().count(1).member("a", std::string(256, 'z')).rows(4096, {0}).code() ==
        Code::corrupt);
  CHECK(Document().count(65'535).code() == Code::corrupt);
  CHECK(Document().count(9'999).member("a").code() == Code::corrupt);
  CHECK(Document().count(1).put(std::uint32_t{0xffffffff}).code() == Code::corrupt);
  CHECK(Document().count(0).rows(0, {}).put('x').code() == Code::corrupt);
}
