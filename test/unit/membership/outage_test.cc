// Several pods: lost brokers and stores, and who changes the layout.
#include <catch2/catch.hpp>

#include "mas/layout/leavers.h"
#include "membership/kept.h"
#include "world.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;
using Catch::Matchers::Contains;

TEST_CASE("a lost broker moves nothing: pods are kept alive by probes, and all is frozen") {
  bool swallows = GENERATE(false, true);
  INFO((swallows ? "it takes beats and hands out none" : "it cannot be reached"));
  World world;
  world.grow_to(7);
  std::uint64_t version = world.layout().version;
  (swallows ? world.broker_swallows : world.broker_up) = swallows;
  world.run(seconds(20));
  for (int i = 0; i < 7; ++i) CHECK_THAT(world.view(i)->frozen_why, Contains("broker"));
  for (int minute = 0; minute < 7; ++minute) {
    world.run(minutes(1));
    for (int i = 1; i < 7; ++i) CHECK(world.sees(0, i) == Liveness::alive);
  }
  // One that dies meanwhile is noticed, and stays.
  world.kill(4);
  world.run(seconds(40));
  CHECK(world.sees(0, 4) == Liveness::down);
  world.run(minutes(7));
  CHECK(world.layout().version == version);
  // A newcomer is not seen, and does not get in.
  world.start(8);
  world.run(minutes(2));
  CHECK(world.layout().version == version);

  world.broker_up = true;
  world.broker_swallows = false;
  world.run(seconds(5));
  for (int i : {0, 1, 2, 3, 5, 6}) {
    CHECK_FALSE(world.view(i)->frozen());
    CHECK(world.sees(i, 6 - (i == 6 ? 1 : 0)) == Liveness::alive);
  }
  world.run(minutes(2));
  CHECK(world.layout().version > version);
  CHECK(world.layout().find(slot(4)) == layout::kNobody);
  CHECK(world.layout().find(slot(8)) != layout::kNobody);
}

TEST_CASE("more than a quarter that vanish together freeze the layout until they are back") {
  World world;
  world.grow_to(8);
  std::uint64_t version = world.layout().version;
  for (int i : {2, 4, 6}) world.kill(i);
  world.run(seconds(30));
  CHECK_THAT(world.view(0)->frozen_why, Contains("3 of 8 pods"));
  world.start(9);  // nor does anybody join
  world.run(minutes(8));
  CHECK(world.layout().version == version);
  CHECK(world.view(0)->frozen());
  world.start(4);
  world.run(seconds(10));
  CHECK_FALSE(world.view(0)->frozen());  // two of eight are a quarter, not more
  world.run(minutes(1));
  CHECK(world.layout().version > version);
}

TEST_CASE("pods that die one after the other freeze nothing") {
  World world;
  world.grow_to(8);
  world.kill(2);
  world.run(minutes(2));
  world.kill(4);
  world.run(minutes(2));
  CHECK_FALSE(world.view(0)->frozen());
  CHECK(world.run_until([&] { return world.layout().active_count() < 8; }, minutes(20)));
}

TEST_CASE("a pod that is cut off freezes, and the others go on") {
  World world;
  world.grow_to(7);
  std::uint64_t version = world.layout().version;
  world.cut_all(3);
  world.run(minutes(3));
  CHECK(world.view(3)->frozen());
  CHECK_FALSE(world.view(0)->frozen());
  CHECK(world.layout().version == version);
  world.run(minutes(4));
  CHECK(world.layout().members[3].state == layout::kGivenUp);  // all is whole without it
  // It finds out by itself, as it reaches the store.
  world.run(minutes(1));
  CHECK_FALSE(world.view(3)->is_member());
  CHECK_THAT(world.view(3)->halted_why, Contains("given up or replaced"));
}

TEST_CASE("a member that is down is not waited for") {
  World world;
  world.grow_to(3);
  world.pod(2).answers.drained = false;
  world.set_walked(false);
  world.start(3);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 4; }, minutes(1)));
  world.run(minutes(1));
  CHECK(world.pod(0).answers.last_version != world.layout().version);
  world.kill(2);
  world.run(minutes(1));
  CHECK(world.pod(0).answers.last_version == world.layout().version);
  Instant first = world.pod(0).answers.last_since;
  // It comes back with writes of old: the walk has to begin after those.
  world.start(2);
  world.run(minutes(1));
  int asked = world.pod(0).answers.asked;
  world.run(minutes(1));
  CHECK(world.pod(0).answers.asked == asked);
  world.pod(2).answers.drained = true;
  world.run(minutes(1));
  CHECK(world.pod(0).answers.last_since > first);
}

TEST_CASE("two that both hold themselves for the first change the layout once") {
  World world;
  world.grow_to(3);
  std::uint64_t version = world.layout().version;
  // 0 and 1 do not know of each other, both know of 2 and of the newcomer.
  for (auto [a, b] : {std::pair{0, 1}, std::pair{1, 0}}) {
    world.cut_beats(a, b);
    world.cut_probes(a, b);
  }
  for (auto [a, b] : {std::pair{2, 0}, std::pair{2, 1}, std::pair{0, 2}, std::pair{1, 2}}) {
    world.cut_probes(a, b);  // nor through it
  }
  world.run(seconds(40));
  REQUIRE(world.sees(0, 1) == Liveness::down);
  REQUIRE(world.sees(1, 0) == Liveness::down);
  world.set_walked(false);
  double before = world.proposals(0, "won") + world.proposals(1, "won");
  world.start(3);
  REQUIRE(world.run_until([&] { return world.layout().version > version; }, minutes(2)));
  world.run(minutes(2));
  CHECK(world.layout().version == version + 1);
  CHECK(world.layout().active_count() == 4);
  CHECK(world.proposals(0, "won") + world.proposals(1, "won") == before + 1);
}

TEST_CASE("who decided on an older layout loses, and decides anew") {
  World world;
  world.grow_to(2);
  world.start(2);
  world.run(seconds(25));
  // Somebody else is always a little earlier.
  for (int i = 0; i < 15; ++i) {
    layout::Layout rival = world.layout();
    ++rival.version;
    must(world.call(world.meta->propose_layout(rival.version - 1, rival)));
    world.run(seconds(1));
  }
  CHECK(world.proposals(0, "lost") > 0);
  std::uint64_t version = world.layout().version;
  world.run(seconds(30));
  layout::Layout layout = world.layout();
  CHECK(layout.active_count() == 3);
  CHECK(layout.is_settled());
  CHECK(layout.version <= version + 2);
  CHECK(world.all_at(layout.version));
}

TEST_CASE("others act when the first one does not") {
  World world;
  world.grow_to(3);
  world.pod(0).faults.refuse_all(true);
  world.start(3);
  CHECK(world.run_until([&] { return world.layout().active_count() == 4; }, minutes(1)));
  CHECK(world.proposals(1, "won") == 1);
  CHECK(world.run_until([&] { return world.view(1)->waiting.size() == 1; }, minutes(2)));
  CHECK_THAT(world.view(1)->waiting.at(0), Contains("waits for writes on mas-0"));
  world.pod(0).faults.refuse_all(false);
  CHECK(world.run_until([&] { return world.settled(); }, minutes(2)));
}

TEST_CASE("while the metadata store is away nothing changes; a restarted pod knows its layout") {
  World world;
  world.grow_to(3);
  std::uint64_t version = world.layout().version;
  for (int i = 0; i < 3; ++i) world.pod(i).faults.refuse_all(true);
  world.run(minutes(7));
  for (int i = 0; i < 3; ++i) {
    CHECK(world.view(i)->is_member());
    CHECK_FALSE(world.view(i)->halted());
    CHECK(world.sees(i, (i + 1) % 3) == Liveness::alive);
  }
  world.kill(1);
  world.start(1);
  world.run(seconds(5));
  CHECK(world.view(1)->is_member());
  CHECK(world.view(1)->layout.version == version);
  CHECK_FALSE(world.view(1)->confirmed);
  CHECK(code_of(world.call(world.pod(1).membership->refresh())) == Code::metadata_unavailable);
  for (int i = 0; i < 3; ++i) world.pod(i).faults.refuse_all(false);
  world.run(seconds(5));
  CHECK(world.view(1)->confirmed);
}

TEST_CASE("a layout is learned of by a beat, and at once when asked for") {
  World world;
  world.grow_to(2);
  layout::Layout next = layout::settled(world.layout());
  must(world.call(world.meta->propose_layout(next.version - 1, next)));
  must(world.call(world.pod(1).membership->refresh()));
  CHECK(world.view(1)->layout.version == next.version);
  CHECK(world.view(0)->layout.version < next.version);
  world.run(seconds(3));
  CHECK(world.view(0)->layout.version == next.version);
}

TEST_CASE("a store that is another or older one halts a pod until it is the right one") {
  World world;
  world.grow_to(2);
  layout::Layout right = world.layout();
  world.kill(1);
  std::unique_ptr<meta::MetaStore> good = std::move(world.meta);
  world.meta = meta::make_memory_meta();
  SECTION("empty") {
    world.start(1);
    world.run(seconds(5));
    CHECK_THAT(world.view(1)->halted_why, Contains("empty") && Contains("rebuild-metadata"));
    CHECK(world.view(1)->layout.version == right.version);
    CHECK(code_of(world.call(world.pod(1).membership->refresh())) == Code::refused);
    world.run(minutes(7));
    CHECK_FALSE(must(world.call(world.meta->current_layout())));
    CHECK(must(world.call(world.meta->layout_acknowledgements())).empty());
    must(world.call(world.meta->propose_layout(0, right)));
    must(world.call(world.meta->next_generation(1000)));
    world.run(seconds(10));
    CHECK_FALSE(world.view(1)->halted());
  }
  SECTION("older") {
    layout::Layout older = right;
    older.version = right.version - 1;
    must(world.call(world.meta->propose_layout(0, older)));
    world.start(1);
    world.run(minutes(1));
    CHECK_THAT(world.view(1)->halted_why, Contains("older") && Contains("rebuild-metadata"));
    CHECK(world.view(1)->layout.version == right.version);
  }
  SECTION("another cluster's") {
    layout::Layout other = right;
    other.cluster = id(99);
    other.version += 5;
    must(world.call(world.meta->propose_layout(0, other)));
    world.start(1);
    world.run(minutes(1));
    CHECK_THAT(world.view(1)->halted_why, Contains(id(99).hex()));
    CHECK(world.view(1)->layout.cluster == right.cluster);
  }
  SECTION("behind in generations") {
    must(world.call(world.meta->propose_layout(0, right)));
    world.start(1);
    world.run(minutes(1));
    CHECK_THAT(world.view(1)->halted_why, Contains("generation") && Contains("rebuild-metadata"));
    // However often it is started, the store's counter does not come any nearer.
    for (int starts = 0; starts < 10; ++starts) {
      world.kill(1);
      world.start(1);
      world.run(minutes(1));
      CHECK(world.view(1)->halted());
    }
    CHECK(must(world.call(world.meta->next_generation(1))) == 1);
    world.run(minutes(8));
    CHECK(must(world.call(world.meta->next_generation(1))) == 2);
    CHECK(world.view(1)->halted());
    must(world.call(world.meta->next_generation(100'000)));
    layout::Layout rebuilt = right;
    ++rebuilt.version;
    must(world.call(world.meta->propose_layout(right.version, rebuilt)));
    world.run(minutes(2));
    CHECK_FALSE(world.view(1)->halted());
  }
  // The store's contents are in use until here.
  world.kill(0);
  world.kill(1);
}

TEST_CASE("a generation that is too low halts a running pod, until a newer layout comes") {
  World world;
  world.grow_to(2);
  Membership& membership = *world.pod(1).membership;
  CHECK(membership.highest_generation() > 0);
  CHECK_FALSE(membership.doubts_metadata());
  membership.doubt_metadata(1);
  CHECK(membership.doubts_metadata());
  std::uint64_t counter = must(world.call(world.meta->next_generation(1)));
  world.run(seconds(3));
  CHECK_THAT(world.view(1)->halted_why, Contains("generation") && Contains("rebuild-metadata"));
  CHECK(world.view(1)->distrusted);
  CHECK(world.view(1)->distrusts == 1);
  world.kill(0);
  world.run(minutes(3));
  // Nothing is taken from it meanwhile.
  CHECK(must(world.call(world.meta->next_generation(1))) == counter + 1);
  must(world.call(world.meta->next_generation(100'000)));
  layout::Layout rebuilt = world.layout();
  ++rebuilt.version;
  must(world.call(world.meta->propose_layout(rebuilt.version - 1, rebuilt)));
  must(world.call(membership.refresh()));
  world.run(seconds(20));
  CHECK_FALSE(world.view(1)->halted());
  CHECK_FALSE(world.view(1)->distrusted);
  CHECK_FALSE(membership.doubts_metadata());
  CHECK(world.view(1)->distrusts == 1);
}

TEST_CASE("a pod goes by a newer layout that another one kept, of its own cluster only") {
  World world;
  world.grow_to(2);
  world.pod(1).faults.refuse_all(true);
  layout::Layout newer = world.layout();
  newer.version += 3;
  layout::Layout strange = newer;
  strange.cluster = id(99);
  Membership& membership = *world.pod(1).membership;
  CHECK(code_of(world.call(membership.take_over(strange))) == Code::refused);
  must(world.call(membership.take_over(newer)));
  CHECK(world.view(1)->layout.version == newer.version);
  layout::Layout older = newer;
  older.version -= 2;
  must(world.call(membership.take_over(older)));
  CHECK(world.view(1)->layout.version == newer.version);
  // It is on disk: a pod that is started again still knows it.
  world.kill(1);
  world.start(1);
  CHECK(world.view(1)->layout.version == newer.version);
}

namespace {

class NotedWatch final : public GenerationWatch {
 public:
  std::uint64_t highest = 0;
  std::uint64_t doubted = 0;
  [[nodiscard]] std::uint64_t highest_generation() const override { return highest; }
  void note_generation(std::uint64_t generation) override {
    highest = std::max(highest, generation);
  }
  void doubt_metadata(std::uint64_t known) override { doubted = known; }
  [[nodiscard]] bool doubts_metadata() const override { return doubted > 0; }
};

}  // namespace

TEST_CASE("whoever takes generations notices a store that gives old ones, and takes no more") {
  World world;
  NotedWatch watch;
  CHECK(must(world.call(take_generations(*world.meta, &watch, 5))) == 1);
  CHECK(watch.highest == 5);
  CHECK(must(world.call(take_generations(*world.meta, nullptr, 1))) == 6);
  watch.highest = 8;
  CHECK(code_of(world.call(take_generations(*world.meta, &watch, 1))) ==
        Code::metadata_unavailable);
  CHECK(watch.doubted == 8);
  CHECK(watch.highest == 8);
  CHECK(code_of(world.call(take_generations(*world.meta, &watch, 9))) ==
        Code::metadata_unavailable);
  // Nothing was taken from it.
  CHECK(must(world.call(world.meta->next_generation(1))) == 7);
}

TEST_CASE("generations that were stored or heard of are kept on disk") {
  World world;
  world.grow_to(2);
  world.pod(0).membership->note_generation(5000);
  must(world.call(world.meta->next_generation(5001)));
  world.run(minutes(1));
  for (int i : {0, 1}) {
    Kept kept = must(load_kept(*world.pod(i).disk, "/data/cluster"));
    CHECK(kept.generation >= 5000);
    CHECK(kept.was_member);
    CHECK(kept.version() == world.layout().version);
    CHECK(kept.layouts.size() == 2);
  }
}

TEST_CASE("damaged files about the cluster keep a pod from starting, with a way out") {
  World world;
  world.grow_to(1);
  world.kill(0);
  must(fs::write_file(*world.pod(0).disk, "/data/cluster/layout", as_bytes("nonsense")));
  auto started = world.try_start(0);
  REQUIRE(code_of(started) == Code::corrupt);
  CHECK_THAT(started.error().message(), Contains("remove the file"));
}

TEST_CASE(
    "a disk that fails does not keep a pod from following the layout, but from agreeing to it") {
  World world;
  world.grow_to(2);
  auto fail = [](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::sync) return Error(Code::io, "injected");
    return {};
  };
  world.pod(1).disk->set_hook(fail);
  world.start(2);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 3; }, minutes(1)));
  world.run(minutes(1));
  CHECK(world.view(1)->layout.version == world.layout().version);
  CHECK_FALSE(world.settled());
  world.pod(1).disk->set_hook(nullptr);
  world.run(minutes(1));
  CHECK(world.settled());
}

TEST_CASE("whoever waits for a change of the view is told, and released at the end") {
  World world;
  world.start(0);
  std::vector<bool> told;
  auto watch = [](ViewBoard& board, std::vector<bool>& out) -> Task<void> {
    auto seen = board.current();
    while (true) {
      bool changed = co_await board.changed(seen);
      out.push_back(changed);
      if (!changed) co_return;
      seen = board.current();
    }
  };
  Gate gate;
  spawn(world.io.get_executor(), gate, watch(*world.pod(0).board, told), "watch");
  world.run(seconds(20));
  CHECK(told.size() >= 1);
  CHECK(std::find(told.begin(), told.end(), false) == told.end());
  world.kill(0);
  REQUIRE_FALSE(told.empty());
  CHECK_FALSE(told.back());
  CHECK(gate.inside() == 0);
}
