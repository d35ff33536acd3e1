#include "mas/core/ids.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace mas;

TEST_CASE("a hash is exactly 64 hex digits of either case") {
  std::string lower(64, 'a');
  std::string upper(64, 'A');
  REQUIRE(Hash::parse(lower));
  CHECK(Hash::parse(upper)->hex() == lower);
  CHECK_FALSE(Hash::parse(lower.substr(1)));
  CHECK_FALSE(Hash::parse(lower + "a"));
  CHECK_FALSE(Hash::parse(std::string(63, 'a') + "g"));
  CHECK_FALSE(Hash::parse(""));
}

TEST_CASE("a profile is k+m, at most 16 wide") {
  CHECK(Profile::parse("4+2") == Profile{4, 2});
  CHECK(Profile::parse("1+0")->text() == "1+0");
  for (const char* bad : {"", "4", "+", "4+", "+2", "0+1", "15+2", "4+2 ", "-4+2", "256+0"}) {
    INFO(bad);
    CHECK_FALSE(Profile::parse(bad));
  }
}

TEST_CASE("record keys survive encoding and sort as their bytes do") {
  Id128 extent;
  extent.bytes.fill(7);
  Hash hash;
  hash.bytes.fill(9);
  std::vector<RecordKey> keys{
      RecordKey::shard(extent, 0, 0),  RecordKey::shard(extent, 0, 5),
      RecordKey::shard(extent, 1, 0),  RecordKey::shard(extent, 256, 1),
      RecordKey::manifest(hash, 1, 0), RecordKey::manifest(hash, 1, 1),
  };
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(RecordKey::decode(keys[i].encode()) == keys[i]);
    if (i > 0) CHECK(keys[i - 1].encode() < keys[i].encode());
  }
  CHECK(keys[3].extent() == extent);
  CHECK(keys[4].hash() == hash);
}

TEST_CASE("bytes that are no record key are refused") {
  auto good = RecordKey::shard({}, 1, 2).encode();
  CHECK_FALSE(RecordKey::decode(ByteView(good).first(42)));
  good[0] = 3;
  CHECK_FALSE(RecordKey::decode(good));
  good[0] = 0;
  CHECK_FALSE(RecordKey::decode(good));
}
