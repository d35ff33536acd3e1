// Intents as bytes: read back as written, both versions, and never larger than a document may be.
#include "meta/mongo/intent_format.h"

#include "mas/meta/records.h"
#include "mas/runtime/rng.h"
#include "meta/keys.h"
#include "meta/mongo/ids.h"
#include "support/must.h"

namespace mas::meta::mongo {
namespace {

bool same(const Change& a, const Change& b) {
  return a.id == b.id && a.match == b.match && a.value == b.value && a.guarded == b.guarded;
}

IntentBody some(Rng& rng) {
  IntentBody body;
  body.written = -5;
  body.changes = {
      {id_of(keys::object(Hash{})), "", std::string("an object"), false},
      {id_of(keys::part(rng.id(), 7)), rng.id().hex(), std::nullopt, true},
      {id_of(keys::owner(rng.id())), rng.id().hex(), std::string("f"), true},
      {id_of(keys::owner(rng.id())), rng.id().hex(), std::string("f"), true},
      {id_of(keys::session(Hash{}, std::string(256, 's'))), rng.id().hex(), std::nullopt, false},
      {id_of(keys::counter("freed")), rng.id().hex(), std::string("eight by"), false},
      {id_of(keys::begin(keys::kLayout)), "", std::string(), false},
  };
  return body;
}

TEST_CASE("an intent is read back as it was written") {
  auto rng = make_seeded_rng(1);
  for (const IntentBody& body : {some(*rng), IntentBody{}}) {
    IntentBody again = must(decode_intent(encode_intent(body)));
    CHECK(again.written == body.written);
    REQUIRE(again.changes.size() == body.changes.size());
    for (std::size_t i = 0; i < body.changes.size(); ++i) {
      INFO(i);
      CHECK(same(again.changes[i], body.changes[i]));
    }
  }
}

TEST_CASE("an intent of version 1 is read") {
  // version, written at 5, one change: removes, guarded, id, match; one that sets a value.
  auto text = [](const std::string& s) {
    return std::string{static_cast<char>(s.size()), 0, 0, 0} + s;
  };
  std::string bytes{1, 5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0};
  bytes += std::string{1, 1} + text("x/ab") + text("0123");
  bytes += std::string{0, 0} + text("o/cd") + text("") + text("value");
  IntentBody body = must(decode_intent(bytes));
  CHECK(body.written == 5);
  REQUIRE(body.changes.size() == 2);
  CHECK(same(body.changes[0], {"x/ab", "0123", std::nullopt, true}));
  CHECK(same(body.changes[1], {"o/cd", "", std::string("value"), false}));
}

TEST_CASE("an intent that is cut, longer or of another version is refused") {
  auto rng = make_seeded_rng(1);
  const std::string bytes = encode_intent(some(*rng));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE(code_of(decode_intent(bytes.substr(0, size))) == Code::corrupt);
  }
  CHECK(code_of(decode_intent(bytes + '\0')) == Code::corrupt);
  std::string other = bytes;
  other[0] = 3;
  CHECK(code_of(decode_intent(other)) == Code::corrupt);
  // The value of a change before, where there is none.
  std::string first =
      encode_intent({0, {{id_of(keys::object(Hash{})), "", std::string("v"), false}}});
  first[1 + 8 + 4] |= 8;
  CHECK(code_of(decode_intent(first)) == Code::corrupt);
}

Extent extent(Rng& rng) { return {rng.id(), 1, 4096, Profile{4, 2}}; }

// What the end of an object or upload with so many extents changes: their owners, and the list of
// freed ones.
void add_freed(IntentBody& body, Rng& rng, std::size_t extents) {
  for (std::size_t i = 0; i < extents; ++i) {
    const FreedEntry freed{i, extent(rng), 0};
    body.changes.push_back({id_of(keys::freed(i)), "", encode(freed), false});
  }
  for (std::size_t i = 0; i < extents; ++i) {
    body.changes.push_back({id_of(keys::owner(rng.id())), rng.id().hex(), std::string("f"), true});
  }
}

void add_published(IntentBody& body, Rng& rng, std::size_t extents) {
  Object object;
  object.name.assign(1024, 'n');
  for (std::size_t i = 0; i < extents; ++i) object.extents.push_back(extent(rng));
  const std::string owner = "o" + std::string(32, 'h');
  body.changes.push_back({id_of(keys::object(object.hash)), rng.id().hex(), encode(object), false});
  for (const Extent& one : object.extents) {
    body.changes.push_back({id_of(keys::owner(one.id)), rng.id().hex(), owner, true});
  }
}

void add_parts(IntentBody& body, Rng& rng) {
  for (std::uint32_t part = 1; part <= 10'000; ++part) {
    body.changes.push_back({id_of(keys::part(rng.id(), part)), rng.id().hex(), std::nullopt, true});
  }
}

TEST_CASE("the largest upload takes the place of the largest object in one document") {
  auto rng = make_seeded_rng(1);
  IntentBody body;
  add_published(body, *rng, kMostExtents);
  add_freed(body, *rng, kMostExtents);
  add_parts(body, *rng);
  CHECK(encode_intent(body).size() < kMostIntentBytes);
}

TEST_CASE("what version 0.1.0 could publish can be erased") {
  // Its intents took 143 bytes for each extent that was published.
  auto rng = make_seeded_rng(1);
  IntentBody body;
  add_freed(body, *rng, (std::size_t{16} << 20) / 143);
  CHECK(encode_intent(body).size() < kMostIntentBytes);
}

}  // namespace
}  // namespace mas::meta::mongo
