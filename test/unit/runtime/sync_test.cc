#include "mas/runtime/sync.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

#include "mas/runtime/io_threads.h"
#include "mas/runtime/offload.h"
#include "mas/runtime/rng.h"

using namespace mas;

namespace {

Task<void> wait_and_count(Event& event, std::atomic<int>& count) {
  co_await event.wait();
  ++count;
}

Task<void> take_turns(Semaphore& semaphore, std::atomic<int>& inside, std::atomic<int>& most) {
  for (int i = 0; i < 200; ++i) {
    auto permit = co_await semaphore.acquire(1);
    int now = ++inside;
    int seen = most.load();
    while (now > seen && !most.compare_exchange_weak(seen, now)) {
    }
    --inside;
  }
}

Task<void> close_gate(Gate& gate) { co_await gate.close(); }

Task<Result<int>> add_in_pool(Pool& pool, int a, int b) {
  auto add = [a, b]() -> Result<int> { return a + b; };
  co_return co_await offload(pool, add);
}

Task<void> count_in_pool(Pool& pool, std::atomic<int>& sum) {
  for (int i = 0; i < 100; ++i) {
    auto one = co_await add_in_pool(pool, 0, 1);
    sum += *one;
  }
}

}  // namespace

TEST_CASE("an event wakes waiters on every io thread, and later ones at once") {
  IoThreads io(3);
  Gate gate;
  Event event;
  std::atomic<int> count{0};
  for (int i = 0; i < 30; ++i) {
    REQUIRE(spawn(io.next(), gate, wait_and_count(event, count), "waiter"));
  }
  io.start();
  event.set();
  run_blocking(close_gate(gate));
  CHECK(count == 30);
  run_blocking(wait_and_count(event, count));
  CHECK(count == 31);
  io.stop();
}

TEST_CASE("a semaphore never lets in more than it has, from several threads") {
  IoThreads io(4);
  Gate gate;
  Semaphore semaphore(2);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  for (int i = 0; i < 16; ++i) {
    REQUIRE(spawn(io.next(), gate, take_turns(semaphore, inside, most), "turns"));
  }
  io.start();
  run_blocking(close_gate(gate));
  CHECK(most <= 2);
  CHECK(semaphore.available() == 2);
  io.stop();
}

TEST_CASE("a permit for more than the total waits for the whole, and shrinks") {
  Semaphore semaphore(10);
  auto permit = semaphore.try_acquire(1000);
  REQUIRE(permit);
  CHECK(permit->units() == 10);
  CHECK_FALSE(semaphore.try_acquire(1));
  permit->shrink(4);
  CHECK(semaphore.available() == 6);
  permit.reset();
  CHECK(semaphore.available() == 10);
}

TEST_CASE("a queue for permits that is full answers busy") {
  Semaphore semaphore(1, 0);
  auto held = semaphore.try_acquire(1);
  auto refused = run_blocking_for(semaphore.acquire(1));
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::busy);
}

TEST_CASE("a closed gate lets nobody in") {
  Gate gate;
  {
    auto pass = gate.try_enter();
    REQUIRE(pass);
    CHECK(gate.inside() == 1);
  }
  run_blocking(close_gate(gate));
  CHECK_FALSE(gate.try_enter());
}

TEST_CASE("offloaded work comes back with its result, from many coroutines") {
  IoThreads io(2);
  auto pool = make_thread_pool("test", 3, 1000);
  CHECK(*run_blocking_for(add_in_pool(*pool, 2, 3)) == 5);
  Gate gate;
  std::atomic<int> sum{0};
  for (int i = 0; i < 20; ++i) spawn(io.next(), gate, count_in_pool(*pool, sum), "count");
  io.start();
  run_blocking(close_gate(gate));
  CHECK(sum == 2000);
  io.stop();
}

TEST_CASE("a pool whose queue is full says busy and does not run the work") {
  auto pool = make_thread_pool("test", 0, 0);
  auto refused = run_blocking_for(add_in_pool(*pool, 1, 1));
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::busy);
}

TEST_CASE("a seeded generator repeats itself and differs by seed") {
  auto a = make_seeded_rng(1);
  auto b = make_seeded_rng(1);
  auto c = make_seeded_rng(2);
  auto first = a->u64();
  CHECK(first == b->u64());
  CHECK(first != c->u64());
  CHECK(make_system_rng()->id() != make_system_rng()->id());
}
