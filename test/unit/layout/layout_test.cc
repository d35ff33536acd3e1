#include "mas/layout/layout.h"

#include <catch2/catch.hpp>

#include "members.h"

using namespace mas;
using namespace mas::layout;
using namespace mas::layout::test;

TEST_CASE("the profile follows the number of members") {
  const char* expected[] = {"1+0", "1+0", "1+1", "2+1", "2+2", "3+2", "4+2", "4+2"};
  for (std::size_t members = 0; members < 8; ++members) {
    CHECK(profile_for(members) == *Profile::parse(expected[members]));
  }
  CHECK(profile_for(1000) == Profile{4, 2});
}

// Where stored shards lie hangs on these numbers.
TEST_CASE("partitions stay where they are") {
  Id128 extent;
  for (std::size_t i = 0; i < 16; ++i) extent.bytes[i] = static_cast<std::uint8_t>(i);
  CHECK(partition_of(extent, 0) == 2314);
  CHECK(partition_of(extent, 1) == 1876);
  CHECK(partition_of(Id128{}, 0) == 2602);
  CHECK(partition_of(Hash{}) == 2461);
}

TEST_CASE("the stripes of one extent spread over the partitions") {
  std::vector<int> hits(kPartitions, 0);
  Id128 extent;
  for (std::uint64_t stripe = 0; stripe < 16 * kPartitions; ++stripe) {
    std::uint32_t partition = partition_of(extent, stripe);
    REQUIRE(partition < kPartitions);
    ++hits[partition];
  }
  CHECK(*std::max_element(hits.begin(), hits.end()) < 16 * 3);
  CHECK(std::count(hits.begin(), hits.end(), 0) < 4);
}

TEST_CASE("a founded table is sound and even at every width") {
  for (int count : {1, 2, 3, 5, 6, 7, 12, 16, 17, 30, 100}) {
    Layout layout = found(some_cluster(), members(count));
    INFO(count << " members");
    REQUIRE(is_sound(layout));
    CHECK(layout.version == 1);
    CHECK(layout.cluster == some_cluster());
    for (std::size_t width : {1, 2, 3, 6, 14}) CHECK(worst_load(layout, width) < 1.03);
  }
}

TEST_CASE("founding is a pure function") {
  CHECK(serialise(found(some_cluster(), members(9))) ==
        serialise(found(some_cluster(), members(9))));
}

TEST_CASE("the members of a row are mixed: any two share about as many rows as any other two") {
  Layout layout = found(some_cluster(), members(12));
  std::vector<std::vector<int>> shared(12, std::vector<int>(12, 0));
  for (const auto& row : layout.rows) {
    for (int i = 0; i < 6; ++i) {
      for (int j = 0; j < 6; ++j) ++shared[row[i]][row[j]];
    }
  }
  const double fair = 4096.0 * 6 * 5 / (12 * 11);
  for (int a = 0; a < 12; ++a) {
    for (int b = 0; b < 12; ++b) {
      if (a != b) CHECK(shared[a][b] == Approx(fair).epsilon(0.15));
    }
  }
}

TEST_CASE("load follows the weights") {
  std::vector<Member> some;
  for (int i = 0; i < 20; ++i) some.push_back(member(i, "", i < 10 ? 1 : 3));
  Layout layout = found(some_cluster(), some);
  REQUIRE(is_sound(layout));
  for (std::size_t width : {1, 3, 6}) CHECK(worst_load(layout, width) < 1.03);
  some[0].weight = 0;
  CHECK(is_sound(found(some_cluster(), some)));
}

TEST_CASE("a row's first members lie in different zones") {
  std::vector<Member> some;
  for (int i = 0; i < 9; ++i)
    some.push_back(member(i, std::string(1, static_cast<char>('a' + i % 3))));
  for (const Layout& layout :
       {found(some_cluster(), some),
        next(found(some_cluster(), {some.begin(), some.begin() + 6}), some)}) {
    int bad = 0;
    for (const auto& row : layout.rows) {
      std::set<std::string> first;
      for (int i = 0; i < 3; ++i) first.insert(layout.members[row[i]].zone);
      bad += first.size() != 3;
    }
    CHECK(bad == 0);
    CHECK(worst_load(layout, 3) < 1.03);
    CHECK(worst_load(layout, 6) < 1.03);
  }
}
