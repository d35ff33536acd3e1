#include "membership/pod_table.h"

#include <catch2/catch.hpp>

#include "beats.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;

namespace {

constexpr std::size_t kAll = 100;

struct Table : PodTable {
  Table() : PodTable(key(0), kBeat, kSilence) {}
  void hear_only(const Heartbeat& some, Instant now) { PodTable::hear(some, now); }
  Liveness of(int number) const { return find(key(number))->liveness; }
  // Each pod that is heard for the first time answers.
  void hear(const Heartbeat& some, Instant now) {
    PodTable::hear(some, now);
    answered({some.slot, some.incarnation}, now);
  }
  std::vector<PodKey> due_at(Duration time, bool blind = false, std::size_t limit = kAll) {
    return due(at(time), blind, limit);
  }
  void answer(int number, bool answered, Duration time, bool blind = false) {
    probed(key(number), answered, at(time), at(time), blind);
  }
};

}  // namespace

TEST_CASE("silence makes a pod suspect, only failed probes make it down") {
  Table table;
  table.hear(beat(1), at(seconds(0)));
  CHECK(table.due_at(seconds(9)).empty());
  CHECK(table.of(1) == Liveness::alive);
  CHECK(table.due_at(seconds(10)) == std::vector<PodKey>{key(1)});
  CHECK(table.of(1) == Liveness::suspect);
  CHECK(table.find(key(1))->since == at(seconds(10)));
  // One probe at a time.
  CHECK(table.due_at(seconds(60)).empty());
  CHECK(table.of(1) == Liveness::suspect);
  table.answer(1, false, seconds(61));
  CHECK(table.of(1) == Liveness::down);
  CHECK(table.is_down(key(1)));
  CHECK(table.find(key(1))->since == at(seconds(61)));
}

TEST_CASE("who is no member is probed before it is believed, and again where it is another") {
  Table table;
  table.hear_only(beat(1), at(seconds(0)));
  CHECK_FALSE(table.find(key(1))->proven);
  CHECK(table.due_at(seconds(0)) == std::vector<PodKey>{key(1)});
  table.hear_only(beat(1), at(seconds(1)));
  table.answer(1, false, seconds(2));
  // It beats, and is not believed.
  CHECK(table.of(1) == Liveness::alive);
  CHECK_FALSE(table.find(key(1))->proven);
  CHECK(table.due_at(seconds(3)).empty());
  table.hear_only(beat(1), at(seconds(5)));
  CHECK(table.due_at(seconds(2) + kSilence - seconds(1)).empty());
  table.hear_only(beat(1), at(seconds(11)));
  CHECK(table.due_at(seconds(2) + kSilence) == std::vector<PodKey>{key(1)});
  table.answer(1, true, seconds(13));
  CHECK(table.find(key(1))->proven);
  CHECK(table.of(1) == Liveness::alive);
  CHECK(table.due_at(seconds(14)).empty());
  Heartbeat other = beat(1);
  SECTION("another process") { other.boot = id(99); }
  SECTION("another address") { other.peer_address = "10.9.9.9:1"; }
  table.hear_only(other, at(seconds(15)));
  CHECK_FALSE(table.find(key(1))->proven);
  CHECK(table.due_at(seconds(15)) == std::vector<PodKey>{key(1)});
  // What was asked before it said so proves nothing.
  table.probed(key(1), true, at(seconds(14)), at(seconds(16)), false);
  CHECK_FALSE(table.find(key(1))->proven);
}

TEST_CASE("a member needs no proof") {
  Table table;
  table.expect({key(1)}, at(seconds(0)));
  table.hear_only(beat(1), at(seconds(0)));
  CHECK(table.due_at(seconds(0)).empty());
}

TEST_CASE("a silent pod that answers probes stays suspect and is asked again") {
  Table table;
  table.hear(beat(1), at(seconds(0)));
  table.due_at(seconds(10));
  table.answer(1, true, seconds(11));
  CHECK(table.of(1) == Liveness::suspect);
  CHECK(table.due_at(seconds(12)).empty());
  CHECK(table.due_at(seconds(16)).size() == 1);
  table.answer(1, false, seconds(16));
  CHECK(table.of(1) == Liveness::down);
}

TEST_CASE("a beat brings a pod back, and starts the time it has been seen for anew") {
  Table table;
  table.hear(beat(1), at(seconds(0)));
  table.hear(beat(1), at(seconds(5)));
  CHECK(table.find(key(1))->first == at(seconds(0)));
  table.due_at(seconds(20));
  table.hear(beat(1), at(seconds(21)));
  CHECK(table.of(1) == Liveness::alive);
  CHECK(table.find(key(1))->first == at(seconds(0)));
  table.answer(1, true, seconds(21));
  table.due_at(seconds(40));
  table.answer(1, false, seconds(40));
  table.hear(beat(1), at(seconds(50)));
  CHECK(table.of(1) == Liveness::alive);
  CHECK(table.find(key(1))->first == at(seconds(50)));
}

TEST_CASE("a probe that fails after a beat was heard counts for nothing") {
  Table table;
  table.hear(beat(1), at(seconds(0)));
  table.due_at(seconds(10));
  table.hear(beat(1), at(seconds(11)));
  table.probed(key(1), false, at(seconds(10)), at(seconds(12)), false);
  CHECK(table.of(1) == Liveness::alive);
}

TEST_CASE("a pod that is down goes on being asked, and answering makes it suspect") {
  Table table;
  table.hear(beat(1), at(seconds(0)));
  table.due_at(seconds(10));
  table.answer(1, false, seconds(10));
  CHECK(table.due_at(seconds(19)).empty());
  CHECK(table.due_at(seconds(20)).size() == 1);
  table.answer(1, true, seconds(20));
  CHECK(table.of(1) == Liveness::suspect);
}

TEST_CASE("while beats cannot come through, answers alone keep pods alive") {
  Table table;
  table.hear(beat(1), at(seconds(0)));
  for (int time = 5; time < 100; time += 5) {
    INFO(time);
    CHECK(table.due_at(seconds(time), true).size() == 1);
    table.answer(1, true, seconds(time), true);
    CHECK(table.of(1) == Liveness::alive);
  }
  table.due_at(seconds(100), true);
  table.answer(1, false, seconds(100), true);
  CHECK(table.of(1) == Liveness::alive);  // five seconds since its last answer
  CHECK(table.due_at(seconds(105), true).size() == 1);
  CHECK(table.of(1) == Liveness::suspect);
  table.answer(1, false, seconds(105), true);
  CHECK(table.of(1) == Liveness::down);
}

TEST_CASE("a member that was never heard is suspect, then down, but not while blind") {
  Table table;
  table.expect(keys(3), at(seconds(0)));
  CHECK(table.find(key(0)) == nullptr);  // this pod
  CHECK(table.of(1) == Liveness::suspect);
  CHECK(table.due_at(seconds(30), true).empty());  // its address is not known
  CHECK(table.of(1) == Liveness::suspect);
  CHECK(table.due_at(seconds(39), false).empty());
  CHECK(table.of(1) == Liveness::suspect);
  table.due_at(seconds(40), false);
  CHECK(table.of(1) == Liveness::down);
  table.hear(beat(1), at(seconds(41)));
  CHECK(table.of(1) == Liveness::alive);
  CHECK(table.of(2) == Liveness::down);
}

TEST_CASE("own beats, and more strangers than the bound, are not taken in") {
  Table table;
  table.hear(beat(0), at(seconds(0)));
  CHECK(table.pods().empty());
  table.expect(keys(2), at(seconds(0)));
  Heartbeat stranger = beat(2);
  stranger.boot = Id128{{7}};
  for (std::size_t i = 0; i < PodTable::kMaxStrangers + 50; ++i) {
    stranger.slot = "stranger-" + std::to_string(i);
    table.hear(stranger, at(seconds(1)));
  }
  CHECK(table.pods().size() == PodTable::kMaxStrangers + 1);
  table.hear(beat(1), at(seconds(1)));
  CHECK(table.of(1) == Liveness::alive);
}

TEST_CASE("made-up strangers without a seal leave room for newcomers with one") {
  Table table;
  Heartbeat made_up = beat(2);
  made_up.boot = Id128{};
  for (std::size_t i = 0; i < 2 * PodTable::kMaxStrangers; ++i) {
    made_up.slot = "stranger-" + std::to_string(i);
    table.hear(made_up, at(seconds(1)));
  }
  CHECK(table.pods().size() == PodTable::kMaxUnsealed);
  Heartbeat newcomer = beat(3);
  newcomer.boot = Id128{{7}};
  table.hear(newcomer, at(seconds(1)));
  CHECK(table.of(3) == Liveness::alive);
  // A member is heard in any case.
  table.expect(keys(2), at(seconds(1)));
  Heartbeat member = beat(1);
  member.boot = Id128{};
  table.hear(member, at(seconds(1)));
  CHECK(table.of(1) == Liveness::alive);
}

TEST_CASE("strangers that stay down are forgotten, members are not") {
  Table table;
  table.expect(keys(2), at(seconds(0)));
  table.hear(beat(1), at(seconds(0)));
  table.hear(beat(7), at(seconds(0)));
  table.due_at(seconds(10));
  table.answer(1, false, seconds(10));
  table.answer(7, false, seconds(10));
  table.due_at(seconds(10) + PodTable::kForgetAfter);
  table.answer(1, false, seconds(20) + PodTable::kForgetAfter);
  CHECK(table.find(key(7)) == nullptr);
  CHECK(table.of(1) == Liveness::down);
  // The place is free again.
  Heartbeat stranger = beat(2);
  stranger.boot = Id128{{7}};
  for (std::size_t i = 0; i < PodTable::kMaxStrangers; ++i) {
    stranger.slot = "stranger-" + std::to_string(i);
    table.hear(stranger, at(minutes(11)));
  }
  CHECK(table.pods().size() == PodTable::kMaxStrangers + 1);
}

TEST_CASE("a limit of probes starves nobody") {
  Table table;
  for (int i = 1; i <= 5; ++i) table.hear(beat(i), at(seconds(0)));
  std::map<PodKey, int> asked;
  for (int round = 0; round < 5; ++round) {
    auto time = seconds(10 + round * 20);
    for (const PodKey& pod : table.due_at(time, false, 2)) {
      ++asked[pod];
      table.probed(pod, true, at(time), at(time), false);
    }
  }
  CHECK(asked.size() == 5);
  for (const auto& [pod, times] : asked) CHECK(times == 2);
  CHECK(table.due_at(seconds(500), false, 0).empty());
}

TEST_CASE("beats that no layout could hold are not taken in") {
  Table table;
  Heartbeat nameless = beat(1), long_slot = beat(2), long_zone = beat(3), long_address = beat(4);
  nameless.slot.clear();
  long_slot.slot.assign(256, 's');
  long_zone.zone.assign(256, 'z');
  long_address.peer_address.assign(256, 'a');
  for (const Heartbeat& some : {nameless, long_slot, long_zone, long_address}) {
    table.hear(some, at(seconds(0)));
  }
  CHECK(table.pods().empty());
}

TEST_CASE("the highest layout version heard is remembered") {
  Table table;
  Heartbeat some = beat(1);
  some.layout_version = 9;
  table.hear(some, at(seconds(0)));
  table.hear(beat(2), at(seconds(0)));
  CHECK(table.highest_layout() == 9);
}
