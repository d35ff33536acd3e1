// Who is waited for, and how long: the skip list, the delay of hedged reads, hints that are not
// due.
#include <catch2/catch.hpp>

#include "object/hedging.h"
#include "object/repair_queue.h"
#include "object/skip_list.h"
#include "object/vigil.h"
#include "support/fake_clock.h"
#include "support/io_rig.h"

namespace mas::object {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeClock;

// ---- SkipList ----

TEST_CASE("a silent member is skipped for its time") {
  FakeClock clock;
  SkipList skips(clock, seconds(30));
  CHECK(!skips.contains(3));
  CHECK(skips.add(3, 6));
  CHECK(skips.contains(3));
  CHECK(!skips.contains(2));
  clock.advance(seconds(29));
  CHECK(skips.contains(3));
  clock.advance(seconds(1));
  CHECK(!skips.contains(3));
}

TEST_CASE("who is silent again is skipped anew") {
  FakeClock clock;
  SkipList skips(clock, seconds(30));
  CHECK(skips.add(3, 6));
  clock.advance(seconds(20));
  CHECK(skips.add(3, 6));
  clock.advance(seconds(20));
  CHECK(skips.contains(3));
}

TEST_CASE("no more than a third of all members are skipped at once, but one always may be") {
  FakeClock clock;
  SkipList skips(clock, seconds(30));
  CHECK(skips.add(0, 6));
  clock.advance(seconds(10));
  CHECK(skips.add(1, 6));
  CHECK(!skips.add(2, 6));
  CHECK(!skips.contains(2));
  clock.advance(seconds(20));
  CHECK(skips.add(2, 6));
  SkipList few(clock, seconds(30));
  CHECK(few.add(1, 2));
  CHECK(!few.add(0, 2));
}

TEST_CASE("with no time to skip for nobody is skipped") {
  FakeClock clock;
  SkipList skips(clock, Duration(0));
  CHECK(!skips.add(0, 6));
  CHECK(!skips.contains(0));
}

// ---- Hedging ----

config::Read within(Duration least, Duration most) {
  config::Read options;
  options.hedge_min = least;
  options.hedge_max = most;
  return options;
}

TEST_CASE("the delay is the 95th percentile of recent calls, within its bounds") {
  FakeClock clock;
  Hedging hedging(within(milliseconds(2), seconds(1)), clock);
  // Too few to tell.
  for (int i = 0; i < 19; ++i) hedging.note(milliseconds(5));
  CHECK(hedging.delay() == seconds(1));
  for (int i = 0; i < 171; ++i) hedging.note(milliseconds(5));
  for (int i = 0; i < 9; ++i) hedging.note(milliseconds(300));
  for (int i = 0; i < 64; ++i) hedging.note(milliseconds(5));
  CHECK(hedging.delay() >= milliseconds(5));
  CHECK(hedging.delay() < milliseconds(8));
  for (int i = 0; i < 64; ++i) hedging.note(milliseconds(300));
  CHECK(hedging.delay() >= milliseconds(300));
  CHECK(hedging.delay() < milliseconds(500));
  for (int i = 0; i < 6400; ++i) hedging.note(std::chrono::microseconds(100));
  CHECK(hedging.delay() == milliseconds(2));
  for (int i = 0; i < 6400; ++i) hedging.note(seconds(8));
  CHECK(hedging.delay() == seconds(1));
}

TEST_CASE("what was measured long ago says nothing") {
  FakeClock clock;
  Hedging hedging(within(milliseconds(2), seconds(1)), clock);
  for (int i = 0; i < 100; ++i) hedging.note(milliseconds(5));
  clock.advance(seconds(30));
  hedging.note(milliseconds(5));
  CHECK(hedging.delay() == seconds(1));
}

TEST_CASE("hedges are at most a tenth of the calls answered, and some that were saved up") {
  FakeClock clock;
  Hedging hedging(config::Read{}, clock);
  std::size_t taken = 0;
  while (hedging.take(4)) taken += 4;
  CHECK(taken == 64);
  for (int i = 0; i < 1000; ++i) {
    hedging.note(milliseconds(1));
    while (hedging.take(1)) ++taken;
  }
  CHECK(taken == 164);
  // They are not saved without end.
  for (int i = 0; i < 10'000; ++i) hedging.note(milliseconds(1));
  taken = 0;
  while (hedging.take(1)) ++taken;
  CHECK(taken == 64);
}

TEST_CASE("hedging can be turned off") {
  FakeClock clock;
  Hedging hedging(within(milliseconds(2), Duration(0)), clock);
  CHECK(hedging.delay() == Duration(0));
}

// ---- RepairQueue ----

Hint hint(std::uint64_t stripe) { return {RecordKey::shard(Id128{}, stripe, 3), std::nullopt}; }

TEST_CASE("hints that are not due wait, and keep nobody else waiting") {
  RepairQueue queue;
  Instant now{};
  queue.push_later(hint(1), now + seconds(30));
  queue.push(hint(2));
  // Already listed.
  queue.push(hint(1));
  REQUIRE(queue.pop(now)->key.major == 2);
  CHECK(!queue.pop(now + seconds(29)));
  REQUIRE(queue.pop(now + seconds(30))->key.major == 1);
  CHECK(!queue.pop(now + hours(1)));
  queue.push(hint(1));
  CHECK(queue.pop(now)->key.major == 1);
}

TEST_CASE("the queue of hints is bounded, due ones and others together") {
  RepairQueue queue;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    if (i % 2 == 0) queue.push(hint(i));
    if (i % 2 == 1) queue.push_later(hint(i), Instant{});
  }
  int count = 0;
  while (queue.pop(Instant{})) ++count;
  CHECK(count == 1024);
}

// ---- Vigil ----

Task<bool> wait_on(Vigil& vigil, Duration patience) { co_return co_await vigil.wait(patience); }
Task<bool> wake_up(Vigil& vigil) {
  vigil.wake();
  co_return true;
}

TEST_CASE("a vigil ends with news or with its time, and keeps news that came before") {
  FakeClock clock;
  test::IoRig rig;
  Vigil vigil(clock, rig.executor());
  auto waiting = rig.start(wait_on(vigil, seconds(10)));
  rig.settle();
  CHECK(clock.waiting() == 1);
  rig.run(wake_up(vigil));
  CHECK(waiting.get());
  CHECK(clock.waiting() == 0);

  waiting = rig.start(wait_on(vigil, seconds(10)));
  rig.settle();
  clock.advance(seconds(10));
  CHECK(!waiting.get());

  rig.run(wake_up(vigil));
  CHECK(rig.run(wait_on(vigil, seconds(10))));
  // Told once.
  CHECK(!rig.run(wait_on(vigil, Duration(0))));
}

}  // namespace
}  // namespace mas::object
