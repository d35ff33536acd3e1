#include "meta/key_value.h"

#include <set>
#include <vector>

#include "mas/runtime/rng.h"
#include "meta/keys.h"
#include "support/must.h"

using namespace mas;
using namespace mas::meta;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class MapReader final : public Reader {
 public:
  std::map<std::string, std::string, std::less<>> map;
  Result<std::optional<std::string>> get(std::string_view key) const override {
    auto it = map.find(key);
    if (it == map.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }
  Result<void> scan(std::string_view from, std::string_view to, const Visit& visit) const override {
    for (auto it = map.lower_bound(from); it != map.end() && it->first < to; ++it) {
      MAS_TRY(bool go_on, visit(it->first, it->second));
      if (!go_on) break;
    }
    return {};
  }
};

Pairs scan(const Reader& reader, const std::string& from, const std::string& to,
           std::size_t limit = 1000) {
  Pairs pairs;
  auto visit = [&](std::string_view key, std::string_view value) -> Result<bool> {
    pairs.emplace_back(key, value);
    return pairs.size() < limit;
  };
  must(reader.scan(from, to, visit));
  return pairs;
}

}  // namespace

TEST_CASE("a transaction sees its own changes, its base does not") {
  MapReader base;
  base.map = {{"a", "1"}, {"b", "2"}, {"d", "4"}};
  Transaction tx = Transaction::on(base);
  tx.put("b", "two");
  tx.remove("a");
  tx.put("c", "3");
  tx.remove("x");
  CHECK_FALSE(must(tx.get("a")));
  CHECK(must(tx.get("b")) == "two");
  CHECK(scan(tx, "a", "z") == Pairs{{"b", "two"}, {"c", "3"}, {"d", "4"}});
  CHECK(must(base.get("a")) == "1");
  Transaction inner = Transaction::on(tx);
  inner.put("a", "again");
  inner.remove("c");
  CHECK(scan(inner, "", "z") == Pairs{{"a", "again"}, {"b", "two"}, {"d", "4"}});
  CHECK(must(tx.get("c")) == "3");
  tx.merge(std::move(inner));
  CHECK(scan(tx, "", "z") == Pairs{{"a", "again"}, {"b", "two"}, {"d", "4"}});
}

TEST_CASE("a scan of two nested transactions is the scan of one map, whatever was changed") {
  auto rng = make_seeded_rng(7);
  auto letter = [&] { return std::string(1, static_cast<char>('a' + rng->u64() % 12)); };
  for (int round = 0; round < 500; ++round) {
    MapReader base, model;
    for (int i = 0; i < 6; ++i) base.map[letter()] = "base";
    model.map = base.map;
    Transaction outer = Transaction::on(base);
    Transaction inner = Transaction::on(outer);
    for (int i = 0; i < 8; ++i) {
      // The outer one first: it does not change under the inner one.
      Transaction& tx = i < 4 ? outer : inner;
      std::string key = letter();
      if (rng->u64() % 2 == 0) {
        tx.put(key, std::to_string(i));
        model.map[key] = std::to_string(i);
      } else {
        tx.remove(key);
        model.map.erase(key);
      }
    }
    std::string from = letter(), to = letter();
    for (std::size_t limit : {1UL, 2UL, 1000UL}) {
      REQUIRE(scan(inner, from, to, limit) == scan(model, from, to, limit));
    }
  }
}

TEST_CASE("an error of a visitor ends the scan and is its result") {
  MapReader base;
  base.map = {{"a", "1"}, {"c", "3"}};
  Transaction tx = Transaction::on(base);
  tx.put("b", "2");
  for (int bad = 0; bad < 3; ++bad) {
    int seen = 0;
    auto visit = [&](std::string_view, std::string_view) -> Result<bool> {
      if (seen++ == bad) return Error(Code::corrupt, "bad");
      return true;
    };
    CHECK(code_of(tx.scan("a", "z", visit)) == Code::corrupt);
    CHECK(seen == bad + 1);
  }
}

TEST_CASE("keys sort as what they stand for") {
  Hash hash;
  CHECK(keys::condemned(-1, hash) < keys::condemned(0, hash));
  CHECK(keys::condemned(0, hash) < keys::condemned(1, hash));
  CHECK(keys::condemned(INT64_MIN, hash) < keys::condemned(-1, hash));
  CHECK(keys::condemned(255, hash) < keys::condemned(256, hash));
  CHECK(keys::freed(255) < keys::freed(256));
  CHECK(keys::part(Id128{}, 9) < keys::part(Id128{}, 10));
  CHECK(keys::freed(UINT64_MAX) < keys::end(keys::kFreed));
  CHECK(keys::begin(keys::kFreed) < keys::freed(0));
  Id128 id;
  id.bytes.fill(0xab);
  CHECK(keys::trailing_id(keys::sealed(id)) == id);
}

TEST_CASE("no kind of key lies among another's") {
  const std::string letters{keys::kObject,  keys::kCondemned, keys::kUpload, keys::kSession,
                            keys::kSealed,  keys::kPart,      keys::kFreed,  keys::kOwner,
                            keys::kCounter, keys::kCollected, keys::kLayout, keys::kAcknowledged,
                            keys::kFormat};
  std::set<char> distinct(letters.begin(), letters.end());
  CHECK(distinct.size() == letters.size());
}

TEST_CASE("a number is eight bytes and nothing else") {
  for (std::uint64_t n : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
    CHECK(must(read_number(write_number(n))) == n);
  }
  for (std::size_t size : {0, 1, 7, 9}) {
    CHECK(code_of(read_number(std::string(size, 'x'))) == Code::corrupt);
  }
}
