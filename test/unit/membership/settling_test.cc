// When all pods together let a layout settle. Whose walks are believed: settle_book_test.cc.
#include "world.h"

namespace mas::membership::test {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("a layout settles when every live member has acknowledged it and a later walk is done") {
  World world;
  world.grow_to(2);
  for (int i = 0; i < 2; ++i) world.pod(i).answers.asked = 0;
  world.pod(1).answers.drained = false;
  world.set_walked(false);
  world.start(2);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 3; }, minutes(1)));
  std::uint64_t version = world.layout().version;
  world.run(minutes(5));
  CHECK(world.layout().version == version);
  CHECK(world.pod(0).answers.asked == 0);  // no walk counts before all have acknowledged
  CHECK_THAT(world.view(0)->waiting.at(0), Contains("waits for writes on mas-1"));
  world.pod(1).answers.drained = true;
  Instant before = world.clock.now();
  world.run(minutes(5));
  CHECK(world.layout().version == version);
  CHECK(world.pod(0).answers.asked > 0);
  CHECK(world.pod(0).answers.last_version == version);
  CHECK(world.pod(0).answers.last_since > before);
  CHECK(world.pod(0).answers.last_since < before + seconds(10));
  CHECK(world.view(0)->waiting.empty());
  // One that is down is not waited for; one that comes back without having acknowledged is.
  world.set_walked(true);
  world.run(seconds(5));
  CHECK(world.layout().version == version + 1);
  CHECK(world.settled());
}

TEST_CASE("a layout settles when what all pods found adds up to everything") {
  World world;
  world.grow_to(2);
  world.set_walked(false);
  const auto slices = [](std::size_t from, std::size_t to) {
    SliceSet set;
    for (std::size_t i = from; i < to; ++i) set.set(i);
    return set;
  };
  world.start(2);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 3; }, minutes(1)));
  const std::uint64_t version = world.layout().version;
  world.pod(0).answers.finds = {slices(0, 100), slices(0, 10)};
  world.pod(1).answers.finds = {slices(100, 200), slices(10, 200)};
  world.run(minutes(1));
  CHECK(world.layout().version == version);
  for (int i : {0, 2}) CHECK(world.pod(i).answers.others.objects[199]);
  CHECK(world.pod(2).answers.others.uploads == slices(0, 200));
  // It starts again, and has forgotten what it found: that is not counted on any more.
  world.kill(1);
  world.pod(1).answers.finds = {};
  world.start(1);
  world.run(seconds(10));
  CHECK(world.pod(2).answers.others == WalkedSlices{slices(0, 100), slices(0, 10)});
  world.pod(2).answers.finds = {slices(100, 256), slices(10, 255)};
  world.run(minutes(1));
  CHECK(world.layout().version == version);
  world.pod(1).answers.finds = {{}, slices(255, 256)};
  CHECK(world.run_until([&] { return world.settled(); }, minutes(1)));
  CHECK(world.layout().version == version + 1);
}

TEST_CASE("while pods are upgraded those who walk settle the layout, and wait for the others too") {
  World world;
  world.older = {0};
  world.grow_to(2);
  world.set_walked(false);
  world.pod(0).answers.drained = false;
  world.start(2);
  REQUIRE(world.run_until([&] { return world.layout().active_count() == 3; }, minutes(1)));
  const std::uint64_t version = world.layout().version;
  SliceSet some;
  for (std::size_t i = 0; i < 100; ++i) some.set(i);
  world.pod(1).answers.finds = {some, some};
  world.pod(2).answers.finds = {~some, ~some};
  for (int i : {1, 2}) world.pod(i).answers.asked = 0;
  world.run(minutes(2));
  // What it acknowledged is known to the metadata store alone.
  for (int i : {1, 2}) CHECK(world.pod(i).answers.asked == 0);
  CHECK(world.layout().version == version);
  world.pod(0).answers.drained = true;
  CHECK(world.run_until([&] { return world.settled(); }, minutes(2)));
  CHECK(world.layout().version == version + 1);
}

}  // namespace
}  // namespace mas::membership::test
