#include <catch2/catch.hpp>
#include <cstring>

#include "mas/core/endian.h"
#include "mas/core/xxh3.h"
#include "mas/layout/layout.h"
#include "mas/layout/leavers.h"
#include "members.h"

using namespace mas;
using namespace mas::layout;
using namespace mas::layout::test;

namespace {

// A document of one's own making, with the right sum. Of format version 1 unless said otherwise.
class Document {
 public:
  explicit Document(std::uint16_t format = 1) {
    out_.raw(as_bytes("MLAY"));
    out_.write(format);
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
  // What version 2 says of a member beyond version 1.
  Document& state(std::uint8_t state, std::uint8_t fresh = 0) { return put(state).put(fresh); }
  Document& previous(std::uint16_t partition, const std::vector<MemberIndex>& row) {
    put(partition).put(static_cast<std::uint8_t>(row.size()));
    for (MemberIndex index : row) put(index);
    return *this;
  }
  template <class T>
  Document& put(T value) {
    out_.write(value);
    return *this;
  }
  [[nodiscard]] std::string whole() const {
    ByteWriter whole;
    whole.raw(as_bytes(out_.bytes()));
    whole.write(xxh3_64(as_bytes(out_.bytes())));
    return std::move(whole).take();
  }
  [[nodiscard]] Code code() const {
    auto parsed = parse(whole());
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

TEST_CASE("a document of version 1 is read: all are active, no row changes") {
  Layout layout =
      parse(Document(1).count(2).member("a", "z").member("b").rows(4096, {1, 0}).whole()).value();
  REQUIRE(is_sound(layout));
  CHECK(layout.version == 5);
  CHECK(layout.active_count() == 2);
  CHECK(layout.members[0].zone == "z");
  CHECK(layout.is_settled());
  CHECK(layout.rows[17] == std::vector<MemberIndex>{1, 0});
  Layout again = parse(serialise(layout)).value();
  CHECK(again.members == layout.members);
  CHECK(again.rows == layout.rows);
}

TEST_CASE("states and previous rows come back from the document") {
  std::vector<Member> all = members(8);
  Layout layout = found(some_cluster(), all);
  all[2].state = MemberState::draining;
  all.erase(all.begin() + 5);
  layout = taken_over(next(layout, all), "mas-1", Id128{{9}});
  Layout again = parse(serialise(layout)).value();
  CHECK(again.members == layout.members);
  CHECK(again.members[5].state == MemberState::left);
  CHECK(again.members[1].fresh);
  CHECK(again.rows == layout.rows);
  CHECK(again.previous == layout.previous);
  CHECK(serialise(again) == serialise(layout));
}

TEST_CASE("a document of version 2 that lies is refused") {
  const std::uint8_t active = 1, draining = 2, left = 3;
  auto three = [&](std::uint8_t state, std::uint8_t fresh = 0) {
    return Document(2)
        .count(3)
        .member("a")
        .state(active)
        .member("b")
        .state(active)
        .member("c")
        .state(state, fresh);
  };
  auto none = std::uint32_t{0}, one = std::uint32_t{1}, two = std::uint32_t{2};
  for (std::uint8_t state : {draining, left}) {
    CHECK(three(state).rows(4096, {0, 1}).put(none).code() == Code::ok);
    CHECK(three(state).rows(4096, {0, 2}).put(none).code() == Code::corrupt);
    CHECK(three(state).rows(4096, {0, 1, 2}).put(none).code() == Code::corrupt);
    CHECK(three(state).rows(4096, {0}).put(none).code() == Code::corrupt);
    CHECK(three(state).rows(4096, {0, 1}).put(one).previous(9, {0, 2}).code() == Code::ok);
  }
  CHECK(three(active, 1).rows(4096, {0, 1, 2}).put(none).code() == Code::ok);
  CHECK(three(active, 2).rows(4096, {0, 1, 2}).put(none).code() == Code::corrupt);
  CHECK(three(left, 1).rows(4096, {0, 1}).put(none).code() == Code::corrupt);
  CHECK(three(0).rows(4096, {0, 1}).put(none).code() == Code::corrupt);
  CHECK(three(4).rows(4096, {0, 1}).put(none).code() == Code::corrupt);
  CHECK(Document(2).count(1).member("a").state(draining).rows(4096, {}).put(none).code() ==
        Code::corrupt);

  CHECK(three(left).rows(4096, {0, 1}).put(one).previous(9, {0, 2}).put('x').code() ==
        Code::corrupt);
  auto pair = [&](std::uint16_t partition, const std::vector<MemberIndex>& row) {
    return three(left)
        .rows(4096, {0, 1})
        .put(two)
        .previous(9, {0, 2})
        .previous(partition, row)
        .code();
  };
  CHECK(pair(10, {2}) == Code::ok);
  CHECK(pair(4095, {2, 0, 1}) == Code::ok);
  CHECK(pair(4096, {2}) == Code::corrupt);
  CHECK(pair(9, {2}) == Code::corrupt);
  CHECK(pair(8, {2}) == Code::corrupt);
  CHECK(pair(10, {}) == Code::corrupt);
  CHECK(pair(10, {3}) == Code::corrupt);
  CHECK(pair(10, {2, 2}) == Code::corrupt);
  CHECK(pair(10, {0, 1}) == Code::corrupt);  // does not differ
  CHECK(three(left).rows(4096, {0, 1}).code() == Code::corrupt);
  CHECK(three(left).rows(4096, {0, 1}).put(one).code() == Code::corrupt);
  CHECK(three(left).rows(4096, {0, 1}).put(std::uint32_t{4097}).code() == Code::corrupt);
  CHECK(Document(4).count(0).rows(0, {}).put(none).code() == Code::corrupt);
  CHECK(Document(0).count(0).rows(0, {}).put(none).code() == Code::corrupt);
  CHECK(Document(2).count(0).rows(0, {}).put(one).previous(0, {0}).code() == Code::corrupt);
}

namespace {

std::uint16_t format_of(const std::string& document) {
  return static_cast<std::uint16_t>(document[4] | document[5] << 8);
}

}  // namespace

TEST_CASE("what an older mas can read is written as it reads it") {
  std::vector<Member> all = members(8);
  Layout layout = found(some_cluster(), all);
  CHECK(format_of(serialise(layout)) == 2);
  all.erase(all.begin() + 5);
  layout = settled(next(layout, all));
  CHECK(format_of(serialise(layout)) == 3);
  layout = given_up(layout, layout::sources(layout));
  CHECK(format_of(serialise(layout)) == 2);
  Layout again = parse(serialise(layout)).value();
  CHECK(again.members == layout.members);
  CHECK(again.members[5].state == layout::kGivenUp);
}

TEST_CASE("who is given up while previous rows name it stays so") {
  std::vector<Member> all = members(8);
  Layout layout = found(some_cluster(), all);
  all.erase(all.begin() + 5);
  layout = next(layout, all);
  layout = given_up(layout, layout::sources(layout));
  REQUIRE_FALSE(layout.previous.empty());
  Layout again = parse(serialise(layout)).value();
  CHECK(again.members == layout.members);
}

TEST_CASE("of version 2, who has left is a source where previous rows name it") {
  const std::uint8_t active = 1, left = 3;
  auto three = Document(2).count(3).member("a").state(active).member("b").state(left);
  three.member("c").state(left).rows(4096, {0}).put(std::uint32_t{1}).previous(9, {2});
  Layout layout = parse(three.whole()).value();
  CHECK(layout.members[1].state == layout::kGivenUp);
  CHECK(layout::sources(layout) == std::vector<MemberIndex>{2});
}

TEST_CASE("a document of a later version is refused in a sentence that says so") {
  auto refused = parse(Document(4).count(0).rows(0, {}).put(std::uint32_t{0}).whole());
  REQUIRE(refused.has_error());
  CHECK_THAT(refused.error().message(),
             Catch::Matchers::Contains("format 4") && Catch::Matchers::Contains("up to 3"));
}

TEST_CASE("directories of one slot are told apart, as long as one of them at most is present") {
  Layout layout = found(some_cluster(), members(3));
  for (std::uint8_t i = 1; i <= 3; ++i) {
    Id128 empty;
    empty.bytes.fill(static_cast<std::uint8_t>(0xe0 + i));
    layout = taken_over(layout, "mas-1", empty);
  }
  CHECK(layout::sources(layout).size() == 3);
  CHECK(parse(serialise(layout)).value().members == layout.members);
  Layout twice = layout;
  twice.members.back().incarnation = layout.members[1].incarnation;
  CHECK(parse(serialise(twice)).has_error());
  twice = layout;
  twice.members[2].slot = "mas-1";
  CHECK(parse(serialise(twice)).has_error());
  twice = given_up(layout, {static_cast<MemberIndex>(3)});
  CHECK(parse(serialise(twice)).value().members == twice.members);
  twice.members[3].fresh = true;
  CHECK(parse(serialise(twice)).has_error());
}
