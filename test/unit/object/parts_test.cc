// The small pure pieces that the flows are made of.
#include <array>
#include <catch2/catch.hpp>

#include "mas/meta/memory.h"
#include "mas/runtime/io_threads.h"
#include "object/body_reader.h"
#include "object/budget.h"
#include "object/generation_source.h"
#include "object/part_list.h"
#include "object/placement.h"
#include "object/record_cache.h"
#include "object/timed_wait.h"
#include "support/byte_streams.h"
#include "support/must.h"
#include "support/object_rig.h"

namespace mas::object {
namespace {

meta::Object object_named(std::uint8_t number, std::size_t extents = 0) {
  meta::Object object;
  object.hash.bytes.fill(number);
  object.generation = number;
  object.extents.resize(extents);
  return object;
}

// ---- Placement ----

TEST_CASE("the write minimum is k + 1, or k where at most one loss is survived") {
  CHECK(write_minimum({1, 0}, 1) == 1);
  CHECK(write_minimum({1, 1}, 1) == 1);
  CHECK(write_minimum({2, 1}, 1) == 2);
  CHECK(write_minimum({2, 2}, 1) == 3);
  CHECK(write_minimum({4, 2}, 1) == 5);
  CHECK(write_minimum({10, 4}, 1) == 11);
  CHECK(write_minimum({1, 2}, 1) == 2);
}

TEST_CASE("the write minimum follows the configuration, but one pod down never stops writes") {
  CHECK(write_minimum({4, 2}, 0) == 4);
  CHECK(write_minimum({1, 2}, 0) == 1);
  CHECK(write_minimum({4, 2}, 2) == 5);
  CHECK(write_minimum({10, 4}, 3) == 13);
  CHECK(write_minimum({10, 4}, 15) == 13);
  CHECK(write_minimum({2, 1}, 15) == 2);
  CHECK(write_minimum({1, 0}, 15) == 1);
}

TEST_CASE("the profile is the configured one, or fits the number of members") {
  config::Object options;
  layout::Layout layout;
  layout.members.resize(4);
  CHECK(write_profile(options, layout) == Profile{2, 2});
  options.erasure = "3+1";
  CHECK(write_profile(options, layout) == Profile{3, 1});
  CHECK(copies_of({4, 2}) == Profile{1, 2});
}

TEST_CASE("only an extent's last stripe is shorter") {
  meta::Extent extent;
  extent.length = 1000;
  extent.stripe_size = 300;
  CHECK(stripe_count(extent) == 4);
  CHECK(stripe_length(extent, 0) == 300);
  CHECK(stripe_length(extent, 3) == 100);
  extent.length = 900;
  CHECK(stripe_count(extent) == 3);
  CHECK(stripe_length(extent, 2) == 300);
  extent.length = 0;
  CHECK(stripe_count(extent) == 0);
}

TEST_CASE("the worst stripe decides how durable a whole is") {
  Durability whole = Durability::of({4, 2}, 6);
  Durability one_lost = Durability::of({4, 2}, 5);
  Durability copies = Durability::of({1, 2}, 2);
  CHECK(Durability::worst(whole, one_lost).durable == 5);
  CHECK(Durability::worst(one_lost, whole).survives == 1);
  // As many may be lost; the one that lacks more is named.
  CHECK(Durability::worst(whole, Durability::of({1, 2}, 3)).survives == 2);
  CHECK(Durability::worst(copies, whole).survives == 1);
}

// ---- Missing parts ----

std::vector<meta::Part> parts_numbered(std::initializer_list<std::uint32_t> numbers) {
  std::vector<meta::Part> parts;
  for (std::uint32_t number : numbers) {
    meta::Part part;
    part.number = number;
    part.size = 10;
    parts.push_back(part);
  }
  return parts;
}

TEST_CASE("missing parts are the holes, and the tail if the client says how much there is") {
  using Numbers = std::vector<std::uint32_t>;
  CHECK(missing_parts({}, {}, {}).empty());
  CHECK(missing_parts({}, 3, {}) == Numbers{1, 2, 3});
  CHECK(missing_parts({}, {}, 10) == Numbers{1});
  CHECK(missing_parts(parts_numbered({1, 2, 3}), {}, {}).empty());
  CHECK(missing_parts(parts_numbered({2, 5}), {}, {}) == Numbers{1, 3, 4});
  CHECK(missing_parts(parts_numbered({2, 5}), 7, {}) == Numbers{1, 3, 4, 6, 7});
  CHECK(missing_parts(parts_numbered({1, 2}), 1, {}).empty());
  CHECK(missing_parts(parts_numbered({1, 2}), {}, 20).empty());
  CHECK(missing_parts(parts_numbered({1, 2}), {}, 21) == Numbers{3});
  CHECK(missing_parts(parts_numbered({1, 10'000}), {}, {}).size() == 1000);
  CHECK(missing_parts({}, UINT32_MAX - 1, {}).size() == 1000);
  CHECK(missing_parts({}, UINT32_MAX, {}).size() == 1000);
}

// ---- Record cache ----

constexpr Instant at(std::int64_t seconds) { return {std::chrono::seconds(seconds)}; }
constexpr Duration kAge = std::chrono::seconds(5);

TEST_CASE("a cached record serves until it is too old or dropped") {
  RecordCache cache(1000);
  meta::Object object = object_named(1);
  cache.insert(object, at(10), cache.ticket(object.hash));
  CHECK(cache.find(object.hash, at(15), kAge) == object);
  CHECK(!cache.find(object.hash, at(16), kAge));
  CHECK(cache.find(object.hash, at(16), std::chrono::minutes(10)) == object);
  CHECK(!cache.find(object_named(17).hash, at(10), kAge));
  cache.drop(object.hash);
  CHECK(!cache.find(object.hash, at(10), kAge));
}

TEST_CASE("a record read before its object changed does not come back into the cache") {
  RecordCache cache(1000);
  meta::Object object = object_named(1);
  std::uint64_t ticket = cache.ticket(object.hash);
  cache.drop(object.hash);
  cache.insert(object, at(10), ticket);
  CHECK(!cache.find(object.hash, at(10), kAge));
}

TEST_CASE("all records can be forgotten, and those being read do not come back") {
  RecordCache cache(16);
  std::array<std::uint64_t, 20> tickets{};
  for (std::uint8_t i = 0; i < 20; ++i) {
    const meta::Object object = object_named(i);
    tickets[i] = cache.ticket(object.hash);
    cache.insert(object, at(10), tickets[i]);
  }
  cache.clear();
  for (std::uint8_t i = 0; i < 20; ++i) {
    const meta::Object object = object_named(i);
    CHECK(!cache.find(object.hash, at(10), kAge));
    cache.insert(object, at(10), tickets[i]);
    CHECK(!cache.find(object.hash, at(10), kAge));
    cache.insert(object, at(10), cache.ticket(object.hash));
    CHECK(cache.find(object.hash, at(10), kAge) == object);
  }
}

TEST_CASE("the least recently used records leave first, and long ones weigh more") {
  RecordCache cache(16 * 3);  // three records a shelf
  // All on one shelf: the shelf is chosen by the last byte.
  auto on_shelf = [](std::uint8_t number, std::size_t extents = 0) {
    meta::Object object = object_named(number, extents);
    object.hash.bytes[31] = 0;
    return object;
  };
  auto insert = [&](const meta::Object& object) {
    cache.insert(object, at(0), cache.ticket(object.hash));
  };
  auto has = [&](std::uint8_t number) {
    return cache.find(on_shelf(number).hash, at(0), kAge).has_value();
  };
  for (std::uint8_t number : {1, 2, 3}) insert(on_shelf(number));
  CHECK(has(1));
  insert(on_shelf(4));
  CHECK(has(1));
  CHECK(!has(2));
  meta::Object named = on_shelf(6);
  named.name.assign(2 * 128, 'n');
  insert(named);
  CHECK(has(6));
  CHECK(!has(1));
  CHECK(!has(3));
  CHECK(!has(4));
  insert(on_shelf(5, 16));
  CHECK(has(5));
  CHECK(!has(3));
  CHECK(!has(4));
  insert(on_shelf(6, 1000));
  CHECK(!has(6));
  CHECK(has(5));
  RecordCache none(0);
  none.insert(on_shelf(1), at(0), none.ticket(on_shelf(1).hash));
  CHECK(!none.find(on_shelf(1).hash, at(0), kAge));
}

// ---- Generations ----

TEST_CASE("generations asked for at the same time share a call, and none is kept for later") {
  test::CallFaults calls;
  auto memory = meta::make_memory_meta();
  test::FailingMeta meta(*memory, calls);
  GenerationSource source(meta, nullptr);
  std::vector<std::uint64_t> drawn;
  auto draw = [&]() -> Task<void> { drawn.push_back(must(co_await source.next())); };
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 10; ++i) tasks.push_back(draw());
  test::run_together(std::move(tasks));
  std::set<std::uint64_t> different(drawn.begin(), drawn.end());
  CHECK(different.size() == 10);
  std::uint64_t next = must(run_blocking_for(source.next()));
  CHECK(next > *different.rbegin());
  calls.fail_nth(0, false);
  CHECK(code_of(run_blocking_for(source.next())) == Code::metadata_unavailable);
  CHECK(must(run_blocking_for(source.next())) > next);
}

TEST_CASE("generations drawn on several threads differ") {
  auto memory = meta::make_memory_meta();
  GenerationSource source(*memory, nullptr);
  IoThreads threads(4);
  std::mutex mutex;
  std::vector<std::uint64_t> drawn;
  Gate gate;
  auto draw = [&]() -> Task<void> {
    for (int i = 0; i < 200; ++i) {
      Result<std::uint64_t> number = co_await source.next();
      std::lock_guard lock(mutex);
      drawn.push_back(number.has_value() ? *number : 0);
    }
  };
  for (std::size_t i = 0; i < 4; ++i) {
    for (int j = 0; j < 3; ++j) spawn(threads.executor(i), gate, draw(), "draw");
  }
  threads.start();
  run_blocking(gate.close());
  std::set<std::uint64_t> different(drawn.begin(), drawn.end());
  CHECK(drawn.size() == 2400);
  CHECK(different.size() == 2400);
  CHECK(*different.begin() > 0);
}

// ---- Budget ----

TEST_CASE("a wait for memory ends with the memory, or busy when patience is over") {
  config::Object options = test::small_options();
  options.buffer_budget = 8 * 64 * kKiB;
  auto clock = make_system_clock();
  IoThreads background(1);
  background.start();
  Gate gate;
  {
    Budget budget(options, *clock, background.executor(0), gate);
    auto all = budget.try_small(64 * kKiB);
    REQUIRE(all.has_value());
    CHECK(!budget.try_small(1));
    CHECK(code_of(run_blocking_for(budget.small(10, std::chrono::milliseconds(1)))) == Code::busy);
    auto hold = [&]() -> Task<void> {
      co_await clock->sleep(std::chrono::milliseconds(1));
      all.reset();
    };
    Result<Permit> got = Error(Code::internal, "");
    auto wait = [&]() -> Task<void> { got = co_await budget.small(10, std::chrono::hours(1)); };
    std::vector<Task<void>> tasks;
    tasks.push_back(wait());
    tasks.push_back(hold());
    test::run_together(std::move(tasks));
    REQUIRE(got.has_value());
    CHECK(got->units() == 10);
    // The wait that was given up returns what it got too late.
    run_blocking(gate.close());
    CHECK(budget.try_small(64 * kKiB - 10).has_value());
  }
}

TEST_CASE("buffers have room for the padding of any profile") {
  config::Object options;
  auto clock = make_system_clock();
  IoThreads background(1);
  Gate gate;
  Budget budget(options, *clock, background.executor(0), gate);
  for (std::size_t size : {std::size_t{1}, std::size_t{100'000}, std::size_t{4 * kMiB}}) {
    CHECK(budget.buffer(size).capacity() >= size);
  }
  CHECK(budget.buffer(4 * kMiB).capacity() >= round_up(4 * kMiB, 3 * kBlockSize));
  CHECK(budget.buffer(1000).capacity() <= 4096);
}

}  // namespace
}  // namespace mas::object
