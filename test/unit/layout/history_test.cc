// Random histories of joins, departures, drains, take-overs and settling, checked after every step
// against what is known of the cluster: a model that remembers only rows.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "mas/layout/layout.h"
#include "mas/layout/leavers.h"
#include "members.h"

using namespace mas;
using namespace mas::layout;
using namespace mas::layout::test;

namespace {

class History {
 public:
  explicit History(std::uint32_t seed) : random_(seed), layout_(found(some_cluster(), members(1))) {
    settle();
  }

  void step() {
    std::uint32_t dice = random_() % 10;
    if (dice < 3) {
      join();
    } else if (dice < 6) {
      leave();
    } else if (dice < 7) {
      drain();
    } else if (dice < 8) {
      take_over();
    } else {
      settle();
      if (random_() % 2 == 0) give_up();
    }
    check();
  }

  std::map<std::string, int> done;

 private:
  std::vector<Member> present() const {
    std::vector<Member> list;
    for (const Member& member : layout_.members) {
      if (layout::is_present(member)) list.push_back(member);
    }
    return list;
  }
  void change(const std::vector<Member>& list) {
    before_ = layout_;
    layout_ = next(before_, list);
    REQUIRE(layout_.version == before_.version + 1);
    check_movement();
    check_indices();
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      // What was in place last stays in place, whatever happens to the row meanwhile.
      bool changed = layout_.rows[p] != in_place_[p];
      if (changed != !layout_.previous_row(p).empty()) FAIL("row " << p << " lost or got previous");
      if (changed && layout_.previous_row(p) != in_place_[p]) {
        FAIL("row " << p << " has other previous holders");
      }
    }
  }
  // Only rows of leavers change, but for what newcomers take.
  void check_movement() {
    if (std::min(before_.active_count(), layout_.active_count()) < kMaxWidth) return;
    std::size_t wanted = 0, moved = 0;
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      for (std::size_t i = 0; i < kMaxWidth; ++i) {
        const Member& old = before_.members[before_.rows[p][i]];
        MemberIndex same = layout_.find(old.slot);
        bool gone = same == kNobody || layout_.members[same].state != MemberState::active;
        wanted += gone ? 1 : 0;
        moved += old.slot != layout_.members[layout_.rows[p][i]].slot ? 1 : 0;
      }
    }
    std::size_t share = 0;
    for (const Member& member : layout_.members) {
      MemberIndex old = before_.find(member.slot);
      bool was = old != kNobody && before_.members[old].state == MemberState::active;
      if (member.state != MemberState::active || was) continue;
      share += kMaxWidth * (kPartitions / layout_.active_count() + 1);
    }
    CHECK(moved <= std::max(wanted, share) + (wanted > 0 ? share : 0));
    CHECK(moved >= wanted);
  }
  void check_indices() {
    for (MemberIndex i = 0; i < before_.members.size(); ++i) {
      bool named = false;
      for (const auto* table : {&before_.rows, &before_.previous}) {
        for (const auto& row : *table) named |= std::find(row.begin(), row.end(), i) != row.end();
      }
      if (!named) continue;
      // Gone only where no row names it: a row that is again what it was before has no previous.
      for (MemberIndex now = 0; now < layout_.members.size(); ++now) {
        const Member& one = layout_.members[now];
        const bool same = one.slot == before_.members[i].slot &&
                          one.incarnation == before_.members[i].incarnation;
        if (same && now != i) FAIL(one.slot << " moved");
      }
    }
  }

  void join() {
    if (layout_.active_count() >= 40) return;
    std::vector<Member> list = present();
    std::size_t count = 1 + random_() % 3;
    for (std::size_t i = 0; i < count; ++i) {
      bool again = !gone_.empty() && random_() % 3 == 0;
      Member newcomer = again ? gone_.back() : member(number_++);
      if (again) gone_.pop_back();
      newcomer.state = MemberState::active;
      newcomer.incarnation = fresh_incarnation();
      std::erase_if(list, [&](const Member& m) { return m.slot == newcomer.slot; });
      list.push_back(newcomer);
    }
    std::shuffle(list.begin(), list.end(), random_);
    change(list);
    ++done["join"];
  }
  void leave() {
    std::vector<Member> list = present();
    if (layout_.active_count() < 2) return;
    std::size_t at = random_() % list.size();
    gone_.push_back(list[at]);
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
    change(list);
    ++done["leave"];
  }
  void drain() {
    std::vector<Member> list = present();
    std::size_t at = random_() % list.size();
    if (layout_.active_count() < 2 || list[at].state != MemberState::active) return;
    list[at].state = MemberState::draining;
    change(list);
    CHECK(layout_.members[layout_.find(list[at].slot)].state == MemberState::draining);
    ++done["drain"];
  }
  void take_over() {
    std::vector<Member> list = present();
    const std::string slot = list[random_() % list.size()].slot;
    const Id128 incarnation = fresh_incarnation();
    before_ = layout_;
    const Id128 old = before_.members[before_.find(slot)].incarnation;
    layout_ = taken_over(before_, slot, incarnation);
    const auto sources = layout::sources(layout_);
    CHECK(sources.size() == layout::sources(before_).size() + 1);
    CHECK(std::any_of(sources.begin(), sources.end(), [&](MemberIndex source) {
      return layout_.members[source].slot == slot && layout_.members[source].incarnation == old;
    }));
    CHECK(layout_.version == before_.version + 1);
    CHECK(layout_.rows == before_.rows);
    CHECK(layout_.previous == before_.previous);
    CHECK(layout_.members[layout_.find(slot)].incarnation == incarnation);
    CHECK_FALSE(layout_.is_settled());
    ++done["take over"];
  }
  void settle() {
    before_ = layout_;
    layout_ = settled(before_);
    CHECK(layout_.version == before_.version + 1);
    CHECK(layout_.is_settled());
    CHECK(layout_.rows == before_.rows);
    for (MemberIndex i = 0; i < layout_.members.size(); ++i) {
      CHECK(layout_.members[i].slot == before_.members[i].slot);
    }
    CHECK(layout::sources(layout_) == layout::sources(before_));
    CHECK(layout_.members.back().state != layout::kGivenUp);
    in_place_.clear();
    for (const auto& row : layout_.rows) in_place_.push_back(row);
    ++done["settle"];
  }

  void give_up() {
    before_ = layout_;
    layout_ = given_up(before_, layout::sources(before_));
    CHECK(layout_.version == before_.version + 1);
    CHECK(layout_.rows == before_.rows);
    CHECK(layout_.previous == before_.previous);
    CHECK(layout::sources(layout_).empty());
    CHECK(layout_.members.back().state != layout::kGivenUp);
    ++done["give up"];
  }
  Id128 fresh_incarnation() {
    Id128 id;
    id.bytes[0] = static_cast<std::uint8_t>(++incarnations_);
    id.bytes[1] = static_cast<std::uint8_t>(incarnations_ >> 8);
    id.bytes[2] = 1;
    return id;
  }

  void check() {
    REQUIRE(is_sound(layout_));
    for (std::size_t width : {1, 3, 6}) {
      if (layout_.active_count() >= width) CHECK(worst_load(layout_, width) < 1.12);
    }
    auto again = parse(serialise(layout_));
    REQUIRE(again.has_value());
    CHECK(again->members == layout_.members);
    CHECK(again->rows == layout_.rows);
    CHECK(again->previous == layout_.previous);
  }

  std::mt19937 random_;
  int number_ = 1;
  int incarnations_ = 0;
  Layout layout_;
  Layout before_;
  std::vector<std::vector<MemberIndex>> in_place_;  // rows when last settled
  std::vector<Member> gone_;
};

}  // namespace

TEST_CASE("any history of changes leaves a sound, even table whose previous rows are right") {
  std::map<std::string, int> done;
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    History history(seed);
    for (int i = 0; i < 60; ++i) history.step();
    for (const auto& [what, count] : history.done) done[what] += count;
  }
  for (const char* what : {"join", "leave", "drain", "take over", "settle", "give up"}) {
    INFO(what);
    CHECK(done[what] > 20);
  }
}

TEST_CASE("a leaver keeps its index until it is given up, then a newcomer takes it") {
  std::vector<Member> all = members(20);
  Layout layout = found(some_cluster(), all);
  all.erase(all.begin() + 4);
  layout = next(layout, all);
  CHECK(layout.members[4].state == MemberState::left);
  CHECK(layout.find("mas-5") == 5);
  all.push_back(member(20));
  layout = next(layout, all);
  CHECK(layout.find("mas-20") == 20);
  layout = settled(layout);
  CHECK(layout.members[4].slot == "mas-4");
  CHECK(layout::sources(layout) == std::vector<MemberIndex>{4});
  all.push_back(member(21));
  layout = settled(next(layout, all));
  CHECK(layout.find("mas-21") == 21);
  layout = given_up(layout, layout::sources(layout));
  CHECK(layout.members[4].state == layout::kGivenUp);
  all.push_back(member(22));
  layout = next(layout, all);
  CHECK(layout.find("mas-22") == 4);
  CHECK(layout.find("mas-4") == kNobody);
  CHECK(layout.active_count() == 22);
}

TEST_CASE("who is given up while rows name it keeps its index, and is no place before") {
  std::vector<Member> all = members(20);
  Layout layout = found(some_cluster(), all);
  all.erase(all.begin() + 4);
  layout = next(layout, all);
  layout = given_up(layout, layout::sources(layout));
  CHECK(layout.members[4].state == layout::kGivenUp);
  all.push_back(member(20));
  layout = next(layout, all);
  CHECK(layout.find("mas-20") == 20);
  CHECK(layout.find("mas-4") == 4);
}

TEST_CASE("a slot that left and joins again is another member: what it left stays a source") {
  std::vector<Member> all = members(20);
  Layout layout = found(some_cluster(), all);
  Member back = all[4];
  all.erase(all.begin() + 4);
  layout = next(layout, all);
  back.incarnation.bytes.fill(0xbb);
  all.push_back(back);
  layout = next(layout, all);
  CHECK(layout.find("mas-4") == 20);
  CHECK(layout.members[20] == back);
  CHECK(layout::sources(layout) == std::vector<MemberIndex>{4});
  CHECK(is_sound(layout));
  // Once given up, its place is its own again.
  all.pop_back();
  layout = settled(next(layout, all));
  layout = given_up(layout, layout::sources(layout));
  all.push_back(back);
  CHECK(next(layout, all).members[4] == back);
}

TEST_CASE("a row that is what it was has no previous holders") {
  std::vector<Member> all = members(3);
  Layout first = found(some_cluster(), all);
  Layout grown = next(first, members(4));
  CHECK_FALSE(grown.is_settled());
  Layout back = next(grown, all);
  for (std::uint32_t p = 0; p < kPartitions; ++p) {
    if (back.rows[p] == first.rows[p]) CHECK(back.previous_row(p).empty());
    if (back.rows[p] != first.rows[p]) CHECK(back.previous_row(p) == first.rows[p]);
  }
}

TEST_CASE("a shard is looked for at its holder, then at the previous one") {
  Layout layout = found(some_cluster(), members(7));
  CHECK(layout.holders(9, 2) == std::vector<MemberIndex>{layout.rows[9][2]});
  CHECK(layout.holders(9, 7).empty());
  CHECK(layout.holders(9) == layout.rows[9]);
  layout.previous.resize(kPartitions);
  layout.rows[9] = {1, 2, 3};
  layout.previous[9] = {1, 4, 2, 5};
  CHECK(layout.holders(9, 0) == std::vector<MemberIndex>{1});
  CHECK(layout.holders(9, 1) == std::vector<MemberIndex>{2, 4});
  CHECK(layout.holders(9, 3) == std::vector<MemberIndex>{5});
  CHECK(layout.holders(9) == std::vector<MemberIndex>{1, 2, 3, 4, 5});
  CHECK(layout.find("mas-3") == 3);
  CHECK(layout.find("mas-9") == kNobody);
}

TEST_CASE("an emptied slot comes in without moving a row") {
  Layout layout = found(some_cluster(), members(6));
  Id128 empty;
  empty.bytes.fill(0xee);
  Layout after = taken_over(layout, "mas-3", empty);
  CHECK(after.version == 2);
  CHECK(after.rows == layout.rows);
  CHECK(after.previous.empty());
  CHECK(after.members[3].incarnation == empty);
  CHECK(after.members[3].fresh);
  CHECK_FALSE(after.is_settled());
  // That a directory is empty does not say that the old one is gone.
  REQUIRE(layout::sources(after) == std::vector<MemberIndex>{6});
  CHECK(after.members[6].slot == "mas-3");
  CHECK(after.members[6].incarnation == layout.members[3].incarnation);
  CHECK(after.find("mas-3") == 3);
  CHECK(settled(after).is_settled());
  CHECK(settled(after).version == 3);
  CHECK(layout::may_take_back(settled(after).members[6]));
}

TEST_CASE("a directory that was only away takes its slot back, until the slot has left") {
  Layout layout = found(some_cluster(), members(7));
  Id128 empty;
  empty.bytes.fill(0xee);
  const Layout over = settled(taken_over(layout, "mas-3", empty));
  const Layout back = taken_back(over, 7);
  CHECK(back.version == over.version + 1);
  CHECK(back.rows == over.rows);
  CHECK(back.members[3].incarnation == layout.members[3].incarnation);
  // It lacks what was stored meanwhile.
  CHECK(back.members[3].fresh);
  CHECK(back.members[7].incarnation == empty);
  CHECK(layout::may_take_back(back.members[7]));

  auto stay = members(7);
  stay.erase(stay.begin() + 3);
  Layout left = settled(next(back, stay));
  CHECK(layout::sources(left) == std::vector<MemberIndex>{3, 7});
  stay.push_back(members(7)[3]);
  stay.back().incarnation.bytes.fill(0xdd);
  left = next(left, stay);
  for (MemberIndex source : layout::sources(left)) {
    CHECK_FALSE(layout::may_take_back(left.members[source]));
  }
}
