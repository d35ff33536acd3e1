#include <catch2/catch.hpp>
#include <random>

#include "mas/layout/layout.h"
#include "members.h"

using namespace mas;
using namespace mas::layout;
using namespace mas::layout::test;

TEST_CASE("a newcomer takes its fair share and nothing else moves") {
  Layout layout = found(some_cluster(), members(1));
  for (int count = 2; count <= 40; ++count) {
    Layout after = next(layout, members(count));
    INFO("to " << count << " members");
    REQUIRE(is_sound(after));
    CHECK(after.version == layout.version + 1);
    CHECK(after.cluster == layout.cluster);
    for (std::size_t width : {3u, 6u, 16u}) {
      // Among the entries that both tables have.
      std::size_t common = std::min<std::size_t>({width, static_cast<std::size_t>(count) - 1});
      double fair = static_cast<double>(common) * kPartitions / count;
      CHECK(static_cast<double>(moved(layout, after, common)) ==
            Approx(fair).epsilon(0.02).margin(16));
      CHECK(worst_load(after, width) < 1.03);
    }
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      for (std::size_t i = 0; i < layout.rows[p].size(); ++i) {
        bool same = layout.rows[p][i] == after.rows[p][i];
        if (!same) same = after.rows[p][i] == count - 1;
        if (!same) FAIL("row " << p << " position " << i << " moved between old members");
      }
    }
    layout = after;
  }
}

TEST_CASE("a leaver's positions are filled and nothing else moves") {
  std::mt19937 random(3);
  std::vector<Member> all = members(40);
  Layout layout = found(some_cluster(), all);
  while (all.size() > 1) {
    std::size_t gone = random() % all.size();
    std::string slot = all[gone].slot;
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(gone));
    Layout after = next(layout, all);
    INFO("to " << all.size() << " members");
    REQUIRE(is_sound(after));
    std::size_t width = std::min<std::size_t>(6, all.size());
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      for (std::size_t i = 0; i < width; ++i) {
        const std::string& before = layout.members[layout.rows[p][i]].slot;
        if (before != slot && before != after.members[after.rows[p][i]].slot) {
          FAIL("row " << p << " position " << i << " moved");
        }
      }
    }
    for (std::size_t narrow : {3, 6}) CHECK(worst_load(after, narrow) < 1.08);
    layout = after;
  }
}

TEST_CASE("many joins and departures leave the load even") {
  std::mt19937 random(5);
  std::vector<Member> all = members(6);
  Layout layout = found(some_cluster(), all);
  int number = 6;
  for (int step = 0; step < 60; ++step) {
    bool join = all.size() < 6 || (random() % 2 == 0 && all.size() < 30);
    if (join) {
      all.push_back(member(number++));
    } else {
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(random() % all.size()));
    }
    layout = next(layout, all);
    REQUIRE(is_sound(layout));
  }
  for (std::size_t width : {3, 6}) CHECK(worst_load(layout, width) < 1.08);
}

TEST_CASE("a member that takes another's place moves no more than that one's shards") {
  Layout layout = found(some_cluster(), members(20));
  std::vector<Member> all = members(20);
  all[7] = member(99);
  Layout after = next(layout, all);
  REQUIRE(is_sound(after));
  CHECK(moved(layout, after, 16) <= load(layout, 16)[7] + 16);  // its share is rounded by position
  CHECK(worst_load(after, 6) < 1.03);
}

TEST_CASE("several may join at once") {
  Layout layout = next(found(some_cluster(), members(1)), members(6));
  REQUIRE(is_sound(layout));
  for (std::size_t width : {1, 3, 6}) CHECK(worst_load(layout, width) < 1.03);
  layout = next(layout, members(25));
  REQUIRE(is_sound(layout));
  for (std::size_t width : {1, 3, 6}) CHECK(worst_load(layout, width) < 1.03);
}

TEST_CASE("a new incarnation, zone or weight moves nothing") {
  std::vector<Member> all = members(8);
  Layout layout = found(some_cluster(), all);
  all[3].incarnation.bytes.fill(0xee);
  all[4].zone = "elsewhere";
  all[5].weight = 7;
  Layout after = next(layout, all);
  CHECK(after.rows == layout.rows);
  CHECK(after.members == all);
  CHECK(after.version == 2);
}

TEST_CASE("members that stay keep their numbers, whatever order they are given in") {
  std::vector<Member> all = members(8);
  Layout layout = found(some_cluster(), all);
  std::reverse(all.begin(), all.end());
  Layout after = next(layout, all);
  CHECK(after.rows == layout.rows);
  CHECK(after.members == layout.members);
}

TEST_CASE("a heavy newcomer takes more") {
  Layout layout = found(some_cluster(), members(20));
  std::vector<Member> all = members(20);
  all.push_back(member(20, "", 4));
  Layout after = next(layout, all);
  CHECK(static_cast<double>(load(after, 3)[20]) == Approx(3.0 * 4096 * 4 / 24).epsilon(0.01));
}
