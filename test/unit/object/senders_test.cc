// Several who send one file into the same session, in parts of their own sizes.
#include <map>

#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::ObjectRig;
using Numbers = std::vector<std::uint32_t>;

// Someone with a token, who cuts the file into parts of `size`.
struct Sender {
  std::uint8_t token;
  std::size_t size;
};

struct Fixture {
  Fixture() { must(rig.init(key)); }

  [[nodiscard]] std::uint32_t count(const Sender& who) const {
    return static_cast<std::uint32_t>((content.size() + who.size - 1) / who.size);
  }
  void send(const Sender& who, std::uint32_t number) {
    send(who, number, content.substr((number - 1) * who.size, who.size));
  }
  void send(const Sender& who, std::uint32_t number, const std::string& bytes) {
    PartRequest request;
    request.sender.bytes.fill(who.token);
    must(rig.part(key, number, bytes, request));
  }
  void send_all(const Sender& who) {
    for (std::uint32_t number = 1; number <= count(who); ++number) send(who, number);
  }
  Result<FinishResult> finish(const Sender& who, bool claims) {
    FinishRequest request;
    request.sender.bytes.fill(who.token);
    if (claims) {
      request.size = content.size();
      request.parts = count(who);
    }
    return rig.finish(key, std::move(request));
  }
  // What finish names as missing.
  Numbers missing(const Sender& who, bool claims) {
    FinishResult result = must(finish(who, claims));
    CHECK_FALSE(result.receipt);
    return result.missing;
  }
  void check_published(const Sender& who, bool claims) {
    CHECK(must(finish(who, claims)).receipt.has_value());
    CHECK(must(rig.download(key.hash)) == content);
  }

  ObjectRig rig;
  const std::string content = make_content(600'000);
  const SessionKey key{hash_of(content), ""};
  const Sender large{1, 200'000}, small{2, 100'000};
};

TEST_CASE("what another sent beyond one's own parts is dropped, and the file published") {
  for (bool claims : {false, true}) {
    Fixture f;
    f.send_all(f.small);
    f.send_all(f.large);
    f.check_published(f.large, claims);
  }
}

TEST_CASE(
    "what another sent over one's own parts is named as missing, and sending it again heals") {
  for (bool claims : {false, true}) {
    Fixture f;
    f.send_all(f.small);
    f.send_all(f.large);
    CHECK(f.missing(f.small, claims) == Numbers{1, 2, 3});
    for (std::uint32_t number : {1U, 2U, 3U}) f.send(f.small, number);
    f.check_published(f.small, claims);
  }
}

TEST_CASE("parts that are all there but smaller than one's own are dropped, too") {
  Fixture f;
  f.send_all(f.large);
  f.send(f.small, 1);
  f.send(f.small, 2);
  CHECK(f.missing(f.large, true) == Numbers{1, 2});
  f.send(f.large, 1);
  f.send(f.large, 2);
  f.check_published(f.large, true);
}

TEST_CASE("parts of a file that somebody else has stored meanwhile are counted for who sent them") {
  Fixture f;
  f.send(f.large, 2);
  f.send(f.large, 3);
  must(f.rig.part(f.key, 1, f.content.substr(0, 200'000), PartRequest{}));
  must(f.rig.put(f.content, {.hash = f.key.hash}));
  std::map<std::uint8_t, std::uint64_t> in_vain;
  FinishRequest request;
  request.in_vain = [&in_vain](const std::vector<SentInVain>& sent) {
    for (const SentInVain& one : sent) in_vain[one.sender.bytes[0]] += one.bytes;
  };
  CHECK(must(f.rig.finish(f.key, request)).receipt.has_value());
  CHECK(in_vain == std::map<std::uint8_t, std::uint64_t>{{0, 200'000}, {1, 400'000}});
  in_vain.clear();
  CHECK(must(f.rig.finish(f.key, request)).receipt.has_value());
  CHECK(in_vain.empty());
}

TEST_CASE("a file that is begun with one token and ended with another is published as ever") {
  Fixture f;
  const Sender later{9, f.large.size};
  f.send(f.large, 1);
  f.send(f.large, 2);
  f.send(later, 3);
  f.check_published(later, true);
}

TEST_CASE("a wrong part among those of several tokens is healed by sending what is missing") {
  Fixture f;
  const Sender later{9, f.large.size};
  SECTION("an earlier token's") {
    f.send(f.large, 1, make_content(f.large.size, 77));
    f.send(later, 2);
    f.send(later, 3);
    CHECK(f.missing(later, true) == Numbers{1});
    f.send(later, 1);
    f.check_published(later, true);
  }
  SECTION("behind one's own, without a word on how many there are") {
    f.send(later, 1);
    f.send(later, 2);
    f.send(f.large, 3, make_content(f.large.size, 77));
    CHECK(f.missing(later, false) == Numbers{3});
    f.send(later, 3);
    f.check_published(later, false);
  }
  SECTION("none of them one's own") {
    const Sender last{10, f.large.size};
    f.send(f.large, 1);
    f.send(f.large, 2);
    f.send(later, 3, make_content(f.large.size, 77));
    CHECK(f.missing(last, true) == Numbers{1, 2, 3});
    f.send_all(last);
    f.check_published(last, true);
  }
}

TEST_CASE("parts of one token are kept, whatever they are") {
  for (std::uint8_t token : {std::uint8_t{0}, std::uint8_t{1}}) {
    Fixture f;
    const Sender who{token, f.large.size};
    f.send_all(who);
    f.send(who, 2, make_content(who.size, 77));
    // Also if another asks: a token that is new, for the same client.
    for (const Sender& caller : {who, Sender{9, who.size}}) {
      CHECK(code_of(f.finish(caller, true)) == Code::hash_mismatch);
      CHECK(must(f.rig.session(f.key)).parts.size() == 3);
    }
    f.send(who, 4, "more than there is");
    CHECK(code_of(f.finish(who, true)) == Code::wrong_length);
    CHECK(must(f.rig.session(f.key)).parts.size() == 4);
  }
}

}  // namespace
}  // namespace mas::object
