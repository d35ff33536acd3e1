// Before anything is collected, this pod has known for the grace that it may be, whatever clocks
// say and however often the pod starts.
#include "collect_rig.h"
#include "maintain/freed_marks.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

struct Fixture : CollectRig {
  // As often as the worker wants to, for so long.
  void watch(Duration time) {
    const Instant end = clock.now() + time;
    while (clock.now() < end) {
      if (must(step(*worker)) > Duration(0)) clock.advance(options.collect_interval);
    }
    must(step(*worker));
  }
  void free(const meta::Extent& extent, std::int64_t at) {
    put_shards(extent);
    must(run_blocking_for(meta->free({extent}, at)));
  }
};

constexpr std::int64_t kTwoDays = 2 * 24 * 3600;

}  // namespace

TEST_CASE("no pod whose clock is wrong shortens or lengthens the grace of others") {
  for (const std::int64_t ahead : {-kTwoDays, kTwoDays}) {
    CAPTURE(ahead);
    Fixture f;
    const meta::Extent freed = f.extent();
    const meta::Object deleted = f.put_object();
    meta::Object replaced = f.put_object();
    f.free(freed, f.now() + ahead);
    const std::uint64_t deletion = f.get(f.meta->next_generation(1));
    f.get(f.meta->condemn(deleted.hash, deleted.generation, deletion, f.now() + ahead));
    // A commit carries the time that its upload began, by the clock of whoever took it.
    f.get(f.meta->set_damaged(replaced.hash, replaced.generation, true));
    meta::Object next = replaced;
    next.generation = f.get(f.meta->next_generation(1));
    next.created = f.now() + ahead;
    next.extents = {f.extent()};
    CHECK(f.get(f.meta->commit(next, replaced.generation, std::nullopt)).committed);

    f.watch(hours(23));
    for (const auto& extent : {freed, deleted.extents[0], replaced.extents[0]}) {
      CHECK(f.shards_of(extent) == 4);
    }
    f.watch(hours(1) + minutes(10));
    for (const auto& extent : {freed, deleted.extents[0], replaced.extents[0]}) {
      CHECK(f.shards_of(extent) == 0);
    }
  }
}

TEST_CASE("what comes in a steady stream waits for little more than the grace") {
  Fixture f;
  std::vector<meta::Extent> freed;
  for (int i = 0; i < 3 * 24; ++i) {
    freed.push_back(f.extent());
    f.free(freed.back(), f.now());
    f.watch(hours(1));
    for (int age = 0; age <= i; ++age) {
      const meta::Extent& one = freed[static_cast<std::size_t>(i - age)];
      if (age < 23) REQUIRE(f.shards_of(one) == 4);
      if (age > 24) REQUIRE(f.shards_of(one) == 0);
    }
  }
}

TEST_CASE("restarts neither shorten a grace nor keep it from ending") {
  Fixture f;
  const meta::Extent freed = f.extent();
  f.free(freed, f.now());
  for (int run = 0; run < 23; ++run) {
    f.watch(hours(1));
    REQUIRE(f.shards_of(freed) == 4);
    f.worker.reset();
    f.disk = f.disk->after_power_loss(*f.rng, 0.0);
    f.clock.advance(hours(100));  // it does not run
    f.start();
  }
  for (int run = 0; run < 8; ++run) {
    f.watch(hours(1));
    f.start();
  }
  CHECK(f.shards_of(freed) == 0);
}

TEST_CASE("what was known of another list tells nothing") {
  Fixture f;
  f.free(f.extent(), f.now());
  f.watch(hours(23));
  // Put together anew while the pod was down: numbers start again.
  f.meta = meta::make_memory_meta();
  f.start();
  const meta::Extent later = f.extent();
  f.free(later, f.now());
  f.watch(hours(23));
  CHECK(f.shards_of(later) == 4);
  f.watch(hours(2));
  CHECK(f.shards_of(later) == 0);
}

TEST_CASE("marks that cannot be kept keep nothing from being collected") {
  Fixture f;
  const meta::Extent freed = f.extent();
  f.free(freed, f.now());
  f.disk->set_hook([](const fs::FsCall&) -> Result<void> { return Error(Code::io, "full"); });
  f.watch(hours(25));
  CHECK(f.shards_of(freed) == 0);
}

TEST_CASE("marks of the freed list are few, and read back as they were") {
  auto entry = [](std::uint64_t sequence) {
    meta::FreedEntry made;
    made.sequence = sequence;
    made.freed_at = 5;
    return made;
  };
  const Instant start = Instant() + hours(1'000);
  maintain::FreedMarks marks(hours(64));
  CHECK(marks.due(start) == 0);
  for (std::uint64_t i = 1; i <= 500; ++i) {
    const Instant now = start + minutes(30) * static_cast<int>(i);
    if (marks.wants(now)) marks.add(entry(i), now);
    CHECK(marks.due(now) == (i <= 128 ? 0 : (i - 128) - (i - 129) % 2));
  }
  const Instant end = start + minutes(30) * 500;
  const std::string bytes = marks.save(end);
  CHECK(bytes.size() < 2'000);

  maintain::FreedMarks again(hours(64));
  const Instant other = Instant() + minutes(1);  // of another process
  must(again.load(bytes, other));
  CHECK(again.due(other) == marks.due(end));
  CHECK(again.due(other + hours(10)) == marks.due(end + hours(10)));
  REQUIRE(again.last() != nullptr);
  CHECK(maintain::FreedMarks::is_of(*again.last(), entry(499)));
  CHECK_FALSE(maintain::FreedMarks::is_of(*again.last(), entry(500)));
  meta::FreedEntry same_number = entry(499);
  same_number.extent.id.bytes[0] = 1;
  CHECK_FALSE(maintain::FreedMarks::is_of(*again.last(), same_number));

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE(code_of(again.load(bytes.substr(0, size), other)) == Code::corrupt);
  }
  CHECK(code_of(again.load(bytes + 'x', other)) == Code::corrupt);
  CHECK(again.last() != nullptr);
}
