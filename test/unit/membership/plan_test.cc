#include "membership/plan.h"

#include <catch2/catch.hpp>

#include "mas/layout/leavers.h"
#include "mas/membership/leavers.h"
#include "plan_watcher.h"
#include "support/must.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;
using Catch::Matchers::Contains;

TEST_CASE("pods that were seen for long enough join together") {
  Watcher look(1);
  look.hear(beat(1, PodState::joining), seconds(0));
  look.hear(beat(2, PodState::joining), seconds(10));
  CHECK_FALSE(look.plan_at(seconds(29)));
  CHECK(slots_of(look.plan_at(seconds(30))) == std::vector<std::string>{slot(1)});
  auto both = look.plan_at(seconds(40));
  REQUIRE(both);
  CHECK(both->what == Change::join);
  CHECK(both->slots == std::vector<std::string>{slot(1), slot(2)});
  CHECK(both->next.version == 2);
  CHECK(both->next.active_count() == 3);
  CHECK(both->next.members[0] == look.layout.members[0]);
  look.vanished = true;
  CHECK_FALSE(look.plan_at(seconds(40)));
}

TEST_CASE("nobody joins while rows change, or without asking") {
  Watcher look(1);
  look.hear(beat(1, PodState::joining), seconds(0));
  look.hear(beat(3, PodState::active), seconds(0));
  auto step = look.plan_at(seconds(40));
  REQUIRE(step);
  CHECK(step->slots == std::vector<std::string>{slot(1)});
  look.layout = step->next;
  look.expect();
  look.hear(beat(2, PodState::joining), seconds(0));
  CHECK_FALSE(look.plan_at(seconds(90)));
  look.layout = layout::settled(look.layout);
  CHECK(slots_of(look.plan_at(seconds(90))) == std::vector<std::string>{slot(2)});
  look.pods.due(at(seconds(91)), false, 9);  // suspect by now
  CHECK_FALSE(look.plan_at(seconds(91)));
}

TEST_CASE("a newcomer with somebody's incarnation or two of one name do not join") {
  Watcher look(2);
  look.hear(newcomer("mas-9", 1), seconds(0));
  CHECK_FALSE(look.plan_at(seconds(40)));
  look.hear(newcomer("mas-7", 70), seconds(0));
  look.hear(newcomer("mas-7", 71), seconds(0));
  CHECK_FALSE(look.plan_at(seconds(40)));
  CHECK_THAT(look.all_notes(), Contains("Two new pods call themselves mas-7"));
}

TEST_CASE("joining brings the weights and zones of all up to date") {
  Watcher look(2);
  Heartbeat old = beat(1);
  old.capacity = 700 * kGiB;
  old.zone = "b";
  SECTION("of a pod that names its process, as all with a seal do") { old.boot = id(50); }
  SECTION("not of one without a seal") {}
  const bool proven = !old.boot.is_zero();
  look.hear(old, seconds(0));
  Heartbeat fresh = newcomer("mas-2", 60);
  fresh.capacity = kGiB / 2;
  look.hear(fresh, seconds(0));
  look.self = beat(0);
  look.self->capacity = 30 * kGiB;
  auto step = look.plan_at(seconds(30));
  REQUIRE(step);
  CHECK(step->next.members[0].weight == 30);
  CHECK(step->next.members[1].weight == (proven ? 700 : look.layout.members[1].weight));
  CHECK(step->next.members[1].zone == (proven ? "b" : ""));
  CHECK(step->next.members[2].weight == 1);
}

TEST_CASE("an emptied pod takes over its slot once the old incarnation is down, at once") {
  Watcher look(6);
  look.hear(newcomer(slot(2), 90), seconds(20));
  CHECK_FALSE(look.plan_at(seconds(100)));
  look.emptied(2, 90, seconds(30));
  look.vanished = true;
  auto step = look.plan_at(seconds(30));
  REQUIRE(step);
  CHECK(step->what == Change::take_over);
  CHECK(step->slots == std::vector<std::string>{slot(2)});
  CHECK(step->next.rows == look.layout.rows);
  CHECK(step->next.members[2].incarnation == id(90));
  CHECK(step->next.members[2].fresh);
}

TEST_CASE("a disk that was not mounted once takes its slot back from the directory below it") {
  Watcher look(6);
  const Id128 old = look.layout.members[2].incarnation;
  look.layout = layout::settled(layout::taken_over(look.layout, slot(2), id(90)));
  look.expect();
  look.hear(beat(2, kReturned), seconds(1));
  // Both are there.
  CHECK_FALSE(look.plan_at(seconds(1)));
  look.down(PodKey{slot(2), id(90)}, seconds(30));
  look.hear(beat(2, kReturned), seconds(30));
  look.vanished = true;
  auto step = look.plan_at(seconds(30));
  REQUIRE(step);
  CHECK(step->what == Change::take_back);
  CHECK(step->next.members[2].incarnation == old);
  CHECK(step->next.members[2].fresh);
  CHECK(step->next.rows == look.layout.rows);
}

TEST_CASE("a disk that is mounted again takes its slot back itself where nobody else is left") {
  Watcher look(1);
  look.layout = layout::settled(layout::taken_over(look.layout, slot(0), id(90)));
  look.expect();
  look.self = beat(0, kReturned);
  look.down(PodKey{slot(0), id(90)}, seconds(30));
  const auto step = look.plan_at(seconds(31));
  REQUIRE(step);
  CHECK(step->what == Change::take_back);
  CHECK(step->next.members[0].incarnation == look.self->incarnation);
  // One of another state has not been away.
  look.self->state = PodState::joining;
  CHECK_FALSE(look.plan_at(seconds(31)));
}

TEST_CASE("parity that has no place in a small cluster bears no loss") {
  Watcher look(2);
  look.fixed = Profile{2, 1};
  look.emptied(1, 90, seconds(30));
  CHECK_FALSE(look.plan_at(seconds(31)));
  CHECK_THAT(look.all_notes(), Contains("nobody has a second copy"));
  look.fixed = Profile{1, 1};
  CHECK(look.plan_at(seconds(31)).has_value());
}

TEST_CASE("a take-over does not wait for the layout to settle") {
  Watcher look(6);
  look.layout = layout::next(look.layout, members(7));
  look.expect();
  look.emptied(2, 90, seconds(30));
  auto step = look.plan_at(seconds(30));
  REQUIRE(step);
  CHECK(step->what == Change::take_over);
  CHECK(step->next.previous == look.layout.previous);
}

TEST_CASE("no more slots are taken over than losses are survived") {
  Watcher look(6);
  for (int i : {1, 2, 3}) look.down(i, seconds(30));
  look.hear(newcomer(slot(1), 91), seconds(30));
  CHECK_FALSE(look.plan_at(seconds(31)));
  CHECK_THAT(look.all_notes(), Contains("mas-1 has come back empty while 3 pods are missing"));
  look.hear(beat(3), seconds(31));
  auto step = look.plan_at(seconds(31));
  REQUIRE(step);
  CHECK(step->slots == std::vector<std::string>{slot(1)});
  // One that was taken over is missing until it is rebuilt.
  look.layout = step->next;
  look.expect();
  look.hear(newcomer(slot(2), 92), seconds(31));
  look.down(3, seconds(60));
  look.hear(newcomer(slot(2), 92), seconds(60));
  CHECK_FALSE(look.plan_at(seconds(60)));
  look.layout = layout::settled(look.layout);
  CHECK(slots_of(look.plan_at(seconds(60))) == std::vector<std::string>{slot(2)});
}

TEST_CASE("heartbeats alone bring nobody into the layout: they may have been recorded") {
  Watcher look(3);
  SECTION("a newcomer") {
    look.hear_only(beat(7, PodState::joining), seconds(0));
    CHECK_FALSE(look.plan_at(seconds(60)));
    CHECK_THAT(look.all_notes(), Contains("does not answer at its peer port"));
    look.pods.answered(key(7), at(seconds(60)));
    CHECK(slots_of(look.plan_at(seconds(60))) == std::vector<std::string>{slot(7)});
  }
  SECTION("an empty successor") {
    look.down(2, seconds(30));
    look.hear_only(newcomer(slot(2), 90), seconds(30));
    CHECK_FALSE(look.plan_at(seconds(31)));
    // Nor does it keep out the one that is there.
    look.hear(newcomer(slot(2), 91), seconds(32));
    const auto step = look.plan_at(seconds(33));
    REQUIRE(step);
    CHECK(step->next.members[step->next.find(slot(2))].incarnation == id(91));
  }
  SECTION("a directory that was set aside") {
    look.emptied(2, 90, seconds(30));
    look.layout = layout::settled(must_have(look.plan_at(seconds(31))).next);
    look.expect();
    look.down(PodKey{slot(2), id(90)}, seconds(50));
    Heartbeat back = beat(2, kReturned);
    look.hear_only(back, seconds(50));
    CHECK_FALSE(look.plan_at(seconds(51)));
    look.pods.answered(key(2), at(seconds(52)));
    CHECK(must_have(look.plan_at(seconds(53))).what == Change::take_back);
  }
}

TEST_CASE("the old directory of a slot that is taken over stays known as a source") {
  Watcher look(6);
  for (int i = 0; i < 8; ++i) {
    look.down(PodKey{slot(2), look.layout.members[2].incarnation}, seconds(30 + i));
    look.hear(newcomer(slot(2), 90 + i), seconds(30 + i));
    auto step = look.plan_at(seconds(30 + i));
    REQUIRE(step);
    look.layout = layout::settled(step->next);
    CHECK(layout::sources(look.layout).size() == static_cast<std::size_t>(i) + 1);
    look.expect();
  }
  // There is an end to it.
  look.down(PodKey{slot(2), look.layout.members[2].incarnation}, seconds(40));
  look.hear(newcomer(slot(2), 99), seconds(40));
  CHECK_FALSE(look.plan_at(seconds(40)));
  CHECK_THAT(look.all_notes(), Contains("too often") && Contains("give-up mas-2"));
}

TEST_CASE("where no loss is survived an empty successor waits for the old directory or a word") {
  Watcher look(1);
  look.pods = PodTable({slot(0), id(50)}, kBeat, kSilence);
  look.expect(false);
  look.self = newcomer(slot(0), 50);
  CHECK_FALSE(look.plan_at(seconds(1)));
  look.pods.due(at(seconds(10)), false, 9);
  CHECK_FALSE(look.plan_at(seconds(10)));
  CHECK_FALSE(look.plan_at(minutes(60)));
  CHECK_THAT(look.all_notes(),
             Contains("bring its data directory back") && Contains("mas cluster give-up mas-0"));
  Step step = must(look.give_up(slot(0), minutes(60)));
  CHECK(step.what == Change::give_up);
  CHECK(step.next.version == look.layout.version + 1);
  CHECK(step.next.members[0].incarnation == id(50));
  CHECK(layout::sources(step.next).empty());

  Watcher fixed(5);
  fixed.fixed = Profile{3, 0};
  fixed.emptied(2, 90, seconds(30));
  CHECK_FALSE(fixed.plan_at(minutes(60)));
  CHECK_THAT(fixed.all_notes(), Contains("give-up mas-2"));
}

TEST_CASE("data are given up at a word, unless they are there") {
  Watcher look(7);
  look.layout = layout::settled(layout::next(
      look.layout, {member(0), member(1), member(2), member(3), member(4), member(5)}));
  look.expect();
  CHECK(code_of(look.give_up(slot(3), seconds(1))) == Code::refused);
  CHECK(code_of(look.give_up("mas-77", seconds(1))) == Code::refused);
  look.hear(beat(6, kReturned), seconds(1));
  auto there = look.give_up(slot(6), seconds(1));
  REQUIRE(code_of(there) == Code::refused);
  CHECK_THAT(there.error().message(), Contains("is being read"));
  look.down(6, seconds(30));
  Step step = must(look.give_up(slot(6), seconds(30)));
  CHECK(step.next.version == look.layout.version + 1);
  CHECK(layout::sources(step.next).empty());
  CHECK(step.next.rows == look.layout.rows);
}

TEST_CASE("of two directories of a slot that has left, a word gives up the one that is gone") {
  Watcher look(7);
  look.down(PodKey{slot(2), look.layout.members[2].incarnation}, seconds(30));
  look.hear(newcomer(slot(2), 90), seconds(30));
  layout::Layout taken = layout::settled(must_have(look.plan_at(seconds(30))).next);
  std::vector<layout::Member> staying;
  for (const layout::Member& present : taken.members) {
    if (layout::is_present(present) && present.slot != slot(2)) staying.push_back(present);
  }
  look.layout = layout::settled(layout::next(taken, staying));
  look.expect();
  REQUIRE(layout::sources(look.layout).size() == 2);
  Heartbeat back = newcomer(slot(2), 90);
  back.state = kReturned;
  look.hear(back, seconds(31));
  Step step = must(look.give_up(slot(2), seconds(32)));
  const auto left = layout::sources(step.next);
  REQUIRE(left.size() == 1);
  CHECK(step.next.members[left.front()].incarnation == id(90));
  look.layout = step.next;
  CHECK(code_of(look.give_up(slot(2), seconds(33))) == Code::refused);
}

TEST_CASE("who has left and comes back is no newcomer, and what it waits for is said") {
  Watcher look(7);
  look.layout = layout::settled(layout::next(
      look.layout, {member(0), member(1), member(2), member(3), member(4), member(5)}));
  look.expect();
  look.down(6, seconds(1));
  auto notes = notes_on_leavers(look.layout, look.pods, false);
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], !Contains("give-up"));
  notes = notes_on_leavers(look.layout, look.pods, true);
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], Contains("mas cluster give-up mas-6"));
  look.hear(beat(6, kReturned), seconds(30));
  CHECK_FALSE(look.plan_at(minutes(5)));
  CHECK_THAT(notes_on_leavers(look.layout, look.pods, true).at(0), Contains("is back"));
}

TEST_CASE("a slot leaves after it was down for long enough, if there are more than k + m") {
  Watcher look(7);
  look.down(4, minutes(1));
  CHECK_FALSE(look.plan_at(minutes(16) - seconds(1)));
  auto step = look.plan_at(minutes(16));
  REQUIRE(step);
  CHECK(step->what == Change::leave);
  CHECK(step->slots == std::vector<std::string>{slot(4)});
  CHECK(step->next.active_count() == 6);
  CHECK(step->next.members[4].state == layout::MemberState::left);
  look.room_for = 0;
  CHECK_FALSE(look.plan_at(minutes(16)));
  CHECK_THAT(look.all_notes(), Contains("too little room"));
  look.room_for = 1;
  look.vanished = true;
  CHECK_FALSE(look.plan_at(minutes(16)));
}

TEST_CASE("a slot does not leave where every member is needed") {
  for (int count : {1, 2, 3, 4, 5, 6}) {
    Watcher look(count);
    look.pods = PodTable(key(99), kBeat, kSilence);
    look.expect();
    look.down(0, minutes(1));
    CHECK_FALSE(look.plan_at(minutes(60)));
    if (count > 1) CHECK_THAT(look.all_notes(), Contains("Replace it"));
  }
  Watcher look(6);
  look.fixed = Profile{3, 2};
  look.down(4, minutes(1));
  CHECK(slots_of(look.plan_at(minutes(16))) == std::vector<std::string>{slot(4)});
}

TEST_CASE("slots whose data cannot be rebuilt without them stay") {
  Watcher look(20);
  for (int i : {1, 2, 3}) look.down(i, minutes(1));
  CHECK_FALSE(look.plan_at(minutes(60)));
  CHECK_THAT(look.all_notes(), Contains("3 pods are missing"));
  look.hear(beat(2), minutes(60));
  CHECK(slots_of(look.plan_at(minutes(60))) == std::vector<std::string>{slot(1), slot(3)});
  look.room_for = 1;
  CHECK(slots_of(look.plan_at(minutes(60))) == std::vector<std::string>{slot(1)});
}

TEST_CASE("a slot leaves even while rows change, and its previous holders stay") {
  Watcher look(7);
  look.layout = layout::next(look.layout, members(8));
  look.expect();
  look.down(4, minutes(1));
  auto step = look.plan_at(minutes(16));
  REQUIRE(step);
  CHECK(step->what == Change::leave);
  for (std::uint32_t p = 0; p < layout::kPartitions; ++p) {
    const auto& before = look.layout.previous_row(p);
    if (!before.empty() && before != step->next.rows[p]) {
      CHECK(step->next.previous_row(p) == before);
    }
  }
}

TEST_CASE("a slot that left joins again only as another incarnation, one that drains too") {
  Watcher look(7);
  look.layout = layout::settled(layout::next(look.layout, members(7)));
  std::vector<layout::Member> list = members(7);
  list.erase(list.begin() + 3);
  list[1].state = layout::MemberState::draining;
  look.layout = layout::next(look.layout, list);
  look.layout = layout::settled(look.layout);
  look.expect();
  Heartbeat old = beat(3, PodState::joining);
  look.hear(old, seconds(0));
  look.hear(newcomer(slot(1), 60), seconds(0));
  CHECK_FALSE(look.plan_at(seconds(40)));
  look.hear(newcomer(slot(3), 61), seconds(0));
  CHECK(slots_of(look.plan_at(seconds(40))) == std::vector<std::string>{slot(3)});
  look.down(1, seconds(41));
  look.hear(newcomer(slot(1), 60), seconds(42));
  look.hear(newcomer(slot(3), 61), seconds(42));
  auto step = look.plan_at(seconds(42));
  REQUIRE(step);
  CHECK(step->what == Change::join);
  CHECK(step->slots == std::vector<std::string>{slot(1), slot(3)});
  const layout::Member& again = step->next.members[step->next.find(slot(1))];
  CHECK(again.incarnation == id(60));
  CHECK(again.state == layout::MemberState::active);
  CHECK(step->next.active_count() == 7);
  // What its old directory holds is not given up by that.
  CHECK(layout::sources(step->next) == std::vector<layout::MemberIndex>{1, 3});
}

TEST_CASE("the ordinal is the number at a slot's end") {
  CHECK(ordinal_of("mas-0") == 0);
  CHECK(ordinal_of("mas-12") == 12);
  CHECK(ordinal_of("0") == 0);
  CHECK_FALSE(ordinal_of("mas"));
  CHECK_FALSE(ordinal_of(""));
  CHECK_FALSE(ordinal_of("mas-99999999999999999999999"));
}

TEST_CASE("the lowest live member acts at once, others later and only if it is still to be done") {
  Watcher look(4);
  CHECK(members_alive(look.layout, look.pods) == 4);
  std::string me = slot(2);
  CHECK(members_alive(look.layout, look.pods, &me) == 2);
  look.down(1, seconds(30));
  CHECK(members_alive(look.layout, look.pods, &me) == 1);

  Turns turns;
  CHECK(turns.may_act("join", 1, 0, at(seconds(0))));
  CHECK_FALSE(turns.may_act("join", 1, 2, at(seconds(19))));
  CHECK(turns.may_act("join", 1, 2, at(seconds(20))));
  CHECK_FALSE(turns.may_act("join", 2, 2, at(seconds(20))));
  CHECK_FALSE(turns.may_act("leave", 2, 2, at(seconds(40))));
  turns.rest();
  CHECK_FALSE(turns.may_act("leave", 2, 2, at(seconds(60))));
  CHECK(turns.may_act("leave", 2, 2, at(seconds(80))));
}

TEST_CASE("weight is capacity in GiB, at least 1") {
  Heartbeat some = beat(1);
  CHECK(member_of(some).weight == 1);
  some.capacity = 500 * kGiB;
  CHECK(member_of(some).weight == 500);
  some.capacity = 5'000'000'000 * kGiB;
  CHECK(member_of(some).weight == UINT32_MAX);
}
