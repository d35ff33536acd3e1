// Several pods: growing, and who is held for dead.
#include <catch2/catch.hpp>

#include "mas/layout/leavers.h"
#include "world.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;
using Catch::Matchers::Contains;

TEST_CASE("pods found a cluster, join it and settle: 1, 2, 3, 6") {
  World world;
  world.start(0);
  REQUIRE(world.run_until([&] { return world.view(0)->is_member(); }, seconds(20)));
  CHECK(world.view(0)->confirmed);
  std::uint64_t version = 1;
  for (int count : {2, 3, 6}) {
    INFO("growing to " << count);
    for (int i = 0; i < count; ++i) {
      if (world.view(0)->layout.find(slot(i)) == layout::kNobody) world.start(i);
    }
    world.run(world.options.join_after - seconds(1));
    CHECK(world.layout().version == version);
    CHECK_FALSE(world.view(count - 1)->is_member());
    CHECK_FALSE(world.view(count - 1)->halted());
    world.run(seconds(20));
    layout::Layout layout = world.layout();
    CHECK(layout.active_count() == static_cast<std::size_t>(count));
    CHECK(layout.is_settled());
    version += 2;  // joined all at once, then settled
    CHECK(layout.version == version);
    for (int i = 0; i < count; ++i) {
      auto view = world.view(i);
      CHECK(view->layout.version == version);
      REQUIRE(view->is_member());
      CHECK(view->layout.members[view->self].slot == slot(i));
      CHECK(view->alive_count() == static_cast<std::size_t>(count));
      CHECK_FALSE(view->frozen());
      CHECK_FALSE(view->halted());
      CHECK(view->waiting.empty());
    }
  }
}

TEST_CASE("only the first slot founds; the others wait and are not members") {
  World world;
  world.start(1);
  world.run(minutes(2));
  CHECK_FALSE(world.view(1)->is_member());
  CHECK_THAT(world.view(1)->waiting.at(0), Contains("waits for the first one"));
  CHECK_FALSE(must(world.call(world.meta->current_layout())));
  world.start(0);
  CHECK(world.run_until([&] { return world.view(1)->is_member(); }, minutes(1)));
}

TEST_CASE("while a pod without a seal says that it has a cluster, nothing is founded") {
  World world;
  world.start(0);
  auto speaker = join_hub(world.hub);
  // What counts of it: not its layout version.
  Heartbeat older = beat(5);
  older.cluster = id(99);
  for (int second = 0; second < 60; ++second) {
    older.sequence = static_cast<std::uint64_t>(second);
    must(world.call(speaker->publish(older)));
    world.run(seconds(1));
  }
  CHECK_FALSE(must(world.call(world.meta->current_layout())));
  CHECK_THAT(world.view(0)->waiting.at(0), Contains("nothing is founded"));
  // It is gone, or never was there.
  CHECK(world.run_until([&] { return world.view(0)->is_member(); }, minutes(2)));
}

TEST_CASE("several first starts found one cluster") {
  World world;
  for (int i : {5, 0, 3}) world.start(i);
  world.make(10, slot(0), id(77));  // a second pod of that name
  world.start(10);
  world.run(minutes(2));
  layout::Layout layout = world.layout();
  CHECK(layout.find(slot(0)) == 0);
  CHECK(world.proposals(0, "won") + world.proposals(10, "won") >= 1);
  int members = 0;
  for (int i : {0, 10}) members += world.view(i)->is_member() ? 1 : 0;
  CHECK(members == 1);
}

TEST_CASE("silence is suspicion: a pod whose beats are lost stays while anybody reaches it") {
  World world;
  world.grow_to(4);
  std::uint64_t version = world.layout().version;
  for (int i : {0, 1, 3}) world.cut_beats(2, i);
  world.run(seconds(15));
  for (int i : {0, 1, 3}) CHECK(world.sees(i, 2) == Liveness::suspect);
  CHECK(world.sees(2, 0) == Liveness::alive);
  world.cut_probes(0, 2);  // this pod reaches it only through others
  world.run(minutes(8));
  CHECK(world.sees(0, 2) == Liveness::suspect);
  CHECK(world.layout().version == version);
  // Now nobody does.
  for (int i : {1, 3}) world.cut_probes(i, 2);
  world.run(seconds(30));
  for (int i : {0, 1, 3}) CHECK(world.sees(i, 2) == Liveness::down);
  CHECK(world.view(0)->alive_count() == 3);
  world.heal();
  world.run(seconds(3));
  for (int i : {0, 1, 3}) CHECK(world.sees(i, 2) == Liveness::alive);
  CHECK(world.layout().version == version);
}

TEST_CASE("a pod that dies is down after suspicion and failed probes") {
  World world;
  world.grow_to(3);
  world.kill(1);
  world.run(seconds(8));
  CHECK(world.sees(0, 1) == Liveness::alive);
  world.run(seconds(5));
  CHECK(world.sees(0, 1) == Liveness::down);
  CHECK_FALSE(world.view(0)->frozen());  // one alone is an ordinary failure
  world.start(1);
  world.run(seconds(3));
  CHECK(world.sees(0, 1) == Liveness::alive);
  CHECK(world.view(1)->is_member());
}

TEST_CASE("a slot leaves after its time where others can do without it, and is gone when settled") {
  World world;
  world.grow_to(7);
  std::uint64_t version = world.layout().version;
  world.kill(3);
  world.run(minutes(5));
  CHECK(world.layout().version == version);
  world.set_walked(false);
  world.run(minutes(1));
  layout::Layout layout = world.layout();
  CHECK(layout.version == version + 1);
  CHECK(layout.active_count() == 6);
  CHECK(layout.members[3].state == layout::MemberState::left);
  CHECK_FALSE(layout.is_settled());
  CHECK(layout.find(slot(6)) == 6);
  world.set_walked(true);
  world.run(seconds(10));
  CHECK(world.settled());
  CHECK(layout::sources(world.layout()).empty());
  // What is whole without it does not come back with its old data directory.
  world.start(3);
  world.run(minutes(5));
  CHECK_THAT(world.view(3)->halted_why, Contains("empty it"));
  CHECK_FALSE(has_returned(*world.view(3)));
  CHECK_FALSE(world.view(3)->is_member());
  CHECK(world.layout().active_count() == 6);
  world.kill(3);
  world.wipe(3, id(103));
  world.start(3);
  CHECK(world.run_until([&] { return world.view(3)->is_member(); }, minutes(2)));
}

TEST_CASE("a slot stays where every member is needed or the others have no room, and it is said") {
  World world;
  world.grow_to(6);
  std::uint64_t version = world.layout().version;
  world.kill(3);
  world.run(minutes(8));
  CHECK(world.layout().version == version);
  CHECK_THAT(world.view(0)->waiting.at(0), Contains("Replace it"));
  world.start(3);
  world.run(seconds(10));
  CHECK(world.view(0)->waiting.empty());

  for (int i = 0; i < 6; ++i) world.pod(i).answers.has_room = false;
  world.start(6);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 7; }, minutes(2)));
  world.kill(6);
  world.run(minutes(8));
  CHECK(world.layout().active_count() == 7);
  CHECK_THAT(world.view(0)->waiting.at(0), Contains("too little room"));
}

TEST_CASE("an emptied pod takes over its slot at once: no row moves, walks start again") {
  World world;
  world.grow_to(6);
  layout::Layout before = world.layout();
  world.kill(2);
  world.wipe(2, id(102));
  world.set_walked(false);
  world.start(2);
  world.run(seconds(5));
  // The old one is not known to be dead yet.
  CHECK_THAT(world.view(2)->halted_why, Contains("held by another data directory"));
  world.run(seconds(20));
  layout::Layout after = world.layout();
  CHECK(after.version == before.version + 1);
  CHECK(after.rows == before.rows);
  CHECK(after.members[2].incarnation == id(102));
  CHECK_FALSE(after.is_settled());
  CHECK(world.all_at(after.version));
  CHECK(world.view(2)->is_member());
  CHECK_FALSE(world.view(2)->halted());
  CHECK(world.pod(0).answers.last_version == after.version);
  world.start(7);
  world.run(minutes(2));
  CHECK(world.layout().version == after.version);  // nobody joins before it is rebuilt
  world.set_walked(true);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 7; }, minutes(1)));
}

TEST_CASE("a disk that was not mounted once has its slot back, and what was below it is a source") {
  World world;
  world.grow_to(6);
  world.kill(2);
  world.copy(12, 2, slot(2));
  world.wipe(2, id(102));
  world.set_walked(false);
  world.start(2);
  REQUIRE(world.run_until([&] { return world.view(2)->is_member(); }, minutes(1)));
  world.kill(2);
  world.start(12);
  REQUIRE(world.run_until([&] { return world.view(12)->is_member(); }, minutes(1)));
  CHECK_FALSE(world.view(12)->halted());
  const layout::Layout after = world.layout();
  CHECK(after.active_count() == 6);
  CHECK(after.members[2].incarnation == world.pod(12).incarnation);
  CHECK(after.members[2].fresh);
  CHECK(layout::sources(after).size() == 1);
  world.set_walked(true);
  REQUIRE(world.run_until([&] { return layout::sources(world.layout()).empty(); }, minutes(2)));
}

TEST_CASE("a slot that left and comes back with what it held is a source and changes nothing") {
  World world;
  world.grow_to(7);
  world.set_without(Look::incomplete);
  world.kill(3);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 6; }, minutes(7)));
  REQUIRE(world.run_until([&] { return world.settled(); }, minutes(1)));
  CHECK(layout::sources(world.layout()) == std::vector<layout::MemberIndex>{3});
  // Nobody is told to give anything up while only another pod is silent, or repair is not done.
  world.run(minutes(1));
  CHECK_THAT(world.view(0)->waiting.at(0), Contains("is not given up before"));
  world.set_without(Look::needed);
  world.run(minutes(1));
  CHECK_THAT(world.view(0)->waiting.at(0), Contains("give-up mas-3"));
  const double proposed = world.proposals(3, "won");

  world.start(3);
  world.run(minutes(1));
  CHECK(has_returned(*world.view(3)));
  CHECK_FALSE(world.view(3)->is_member());
  CHECK_THAT(world.view(3)->halted_why, Contains("has left the layout"));
  for (int i : {0, 5}) {
    const Pod* pod = world.view(i)->pod_of(3);
    REQUIRE(pod != nullptr);
    CHECK(pod->alive);
    CHECK(pod->last.state == kReturned);
  }
  CHECK_THAT(world.view(0)->waiting.at(0), Contains("is back"));
  CHECK(code_of(world.call(world.pod(0).leavers->give_up(slot(3)))) == Code::refused);
  CHECK(code_of(world.call(world.pod(3).leavers->give_up(slot(3)))) == Code::busy);

  // Others join meanwhile.
  world.start(8);
  REQUIRE(world.run_until([&] { return world.view(8)->is_member(); }, minutes(2)));
  CHECK(has_returned(*world.view(3)));
  CHECK(world.proposals(3, "won") == proposed);
  world.set_without(Look::whole);
  REQUIRE(world.run_until([&] { return !has_returned(*world.view(3)); }, minutes(2)));
  CHECK_THAT(world.view(3)->halted_why, Contains("empty it"));
  world.kill(3);
  world.wipe(3, id(103));
  world.start(3);
  CHECK(world.run_until([&] { return world.view(3)->is_member(); }, minutes(2)));
}

TEST_CASE("at the operator's word nothing more is expected of who has left and is away") {
  World world;
  world.grow_to(7);
  world.set_without(Look::incomplete);
  world.kill(3);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 6; }, minutes(7)));
  REQUIRE(world.run_until([&] { return world.settled(); }, minutes(1)));
  const std::uint64_t version = world.layout().version;
  CHECK(must(world.call(world.pod(2).leavers->give_up(slot(3)))) == version + 1);
  CHECK(world.layout().version == version + 1);
  CHECK(layout::sources(world.layout()).empty());
  world.start(3);
  world.run(minutes(1));
  CHECK_THAT(world.view(3)->halted_why, Contains("empty it"));
}

TEST_CASE("a lone pod on an empty directory waits for the old one, or for the operator's word") {
  World world;
  world.grow_to(1);
  const layout::Layout before = world.layout();
  world.kill(0);
  world.make(10, slot(0), id(50));  // as a disk that is not mounted
  world.start(10);
  world.run(minutes(30));
  CHECK(world.layout().version == before.version);
  CHECK_FALSE(world.view(10)->is_member());
  REQUIRE_FALSE(world.view(10)->waiting.empty());
  CHECK_THAT(world.view(10)->waiting.front(),
             Contains("bring its data directory back") && Contains("give-up mas-0"));
  SECTION("the old directory") {
    world.kill(10);
    world.start(0);
    REQUIRE(world.run_until([&] { return world.view(0)->is_member(); }, minutes(1)));
    CHECK(world.layout().members == before.members);
  }
  SECTION("the word") {
    must(world.call(world.pod(10).leavers->give_up(slot(0))));
    REQUIRE(world.run_until([&] { return world.view(10)->is_member(); }, minutes(1)));
    CHECK(world.layout().cluster == before.cluster);
    CHECK(world.layout().members[0].incarnation == id(50));
    world.kill(10);
    world.start(0);
    world.run(minutes(1));
    CHECK_THAT(world.view(0)->halted_why, Contains("empty it"));
  }
}

TEST_CASE("a foreign data directory under a live pod's name is refused, and disturbs nobody") {
  World world;
  world.grow_to(3);
  std::uint64_t version = world.layout().version;
  world.make(10, slot(1), id(66));
  world.start(10);
  world.run(minutes(2));
  CHECK_THAT(world.view(10)->halted_why, Contains("mas-1"));
  CHECK_FALSE(world.view(10)->is_member());
  CHECK(world.layout().version == version);
  CHECK(world.view(0)->pods.size() == 3);
  CHECK(world.view(1)->is_member());
}

TEST_CASE("a copied data directory is refused, under its own name and under another") {
  World world;
  world.grow_to(3);
  std::uint64_t version = world.layout().version;
  world.copy(10, 1, slot(7));
  world.start(10);
  world.run(minutes(2));
  CHECK_THAT(world.view(10)->halted_why, Contains("copy of mas-1's"));
  world.copy(11, 1, slot(1));
  world.start(11);
  world.run(minutes(2));
  CHECK_THAT(world.view(11)->halted_why, Contains("Another pod runs with this data directory"));
  CHECK_FALSE(world.view(11)->is_member());
  CHECK(world.view(1)->is_member());
  CHECK_FALSE(world.view(1)->halted());
  CHECK(world.layout().version == version);
}
