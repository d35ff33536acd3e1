// The sequence of heartbeats, over the processes of a pod, whatever its clock does.
#include <catch2/catch.hpp>

#include "membership/beat_seal.h"
#include "membership/kept.h"
#include "world.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;
using Catch::Matchers::Contains;

namespace {

constexpr auto kHour = std::chrono::hours(1);

// What everybody says.
struct Ear {
  explicit Ear(World& world) : bus(join_hub(world.hub)) {
    auto hear = [this](const Heartbeat& beat) { heard.push_back(beat); };
    bus->listen(std::move(hear));
  }
  std::vector<Heartbeat> of(int number) const {
    std::vector<Heartbeat> found;
    std::copy_if(heard.begin(), heard.end(), std::back_inserter(found),
                 [&](const Heartbeat& beat) { return beat.slot == slot(number); });
    return found;
  }

  std::vector<Heartbeat> heard;
  std::unique_ptr<HeartbeatBus> bus;
};

}  // namespace

TEST_CASE("a pod's sequence rises over its processes, though its clock is set back") {
  World world;
  world.grow_to(2);
  Ear ear(world);
  world.run(seconds(20));
  world.kill(1);
  const std::vector<Heartbeat> before = ear.of(1);
  for (int starts = 0; starts < 2; ++starts) {
    world.clock.set_wall(-kHour);
    world.start(1);
    world.run(seconds(20));
    world.kill(1);
  }
  const std::vector<Heartbeat> all = ear.of(1);
  REQUIRE(before.size() > 5);
  REQUIRE(all.size() > before.size() + 10);
  for (std::size_t i = 1; i < all.size(); ++i) {
    REQUIRE(all[i].sequence > all[i - 1].sequence);
  }
  // Whoever began to listen after the clock was set back takes the last process for the one that
  // runs, and what was recorded of the first for old.
  BeatMemory memory(key(0), kSilence);
  CHECK(memory.take(all.back(), true, at(seconds(0))) == WireFault::none);
  CHECK(memory.take(before.back(), true, at(seconds(1))) == WireFault::repeated);
}

TEST_CASE("no beat is said that is not reserved on disk, and few of them cost a write") {
  World world;
  world.grow_to(1);
  Ear ear(world);
  auto reserved = [&] { return must(load_kept(*world.pod(0).disk, "/data/cluster")).sequence; };
  const std::uint64_t first = reserved();
  world.run(minutes(10));
  REQUIRE(ear.of(0).size() > 100);
  CHECK(ear.of(0).back().sequence < first);
  CHECK(reserved() == first);
}

TEST_CASE("a directory that has counted nothing begins at the time, and so does one before 1970") {
  World world;
  Ear ear(world);
  auto micros = FakeClock::kStart.unix_micros;
  const Duration ahead = GENERATE(Duration{}, Duration(-std::chrono::hours(24 * 365 * 80)));
  world.clock.set_wall(ahead);
  world.start(0);
  world.run(seconds(20));
  REQUIRE_FALSE(ear.of(0).empty());
  const std::uint64_t said = ear.of(0).front().sequence;
  if (ahead == Duration{}) {
    CHECK(said >= static_cast<std::uint64_t>(micros));
  } else {
    CHECK(said < 1000);
  }
}

TEST_CASE("a copy of a running pod's directory stops, though its node's clock is behind") {
  World world;
  world.grow_to(2);
  world.copy(11, 1, slot(1));
  world.clock.set_wall(-kHour);
  world.start(11);
  world.run(minutes(2));
  CHECK_THAT(world.view(11)->halted_why, Contains("Another pod runs with this data directory"));
  CHECK(world.view(1)->is_member());
  CHECK_FALSE(world.view(1)->halted());
}

TEST_CASE("a damaged count keeps a pod from starting, with a way out") {
  World world;
  world.grow_to(1);
  world.kill(0);
  must(fs::write_file(*world.pod(0).disk, "/data/cluster/sequence", as_bytes("nonsense")));
  auto started = world.try_start(0);
  REQUIRE(code_of(started) == Code::corrupt);
  CHECK_THAT(started.error().message(), Contains("remove the file"));
}
