// The knobs of MemoryStore that the suites above the store stand on.
#include "support/memory_store.h"

#include <boost/asio/this_coro.hpp>
#include <catch2/catch.hpp>

#include "mas/runtime/io_threads.h"
#include "support/must.h"

using namespace mas;
using mas::test::MemoryStore;
using Op = MemoryStore::Op;

namespace {

RecordKey key(std::uint64_t stripe) { return RecordKey::shard(Id128{}, stripe, 0); }

Result<void> put(MemoryStore& store, std::uint64_t stripe, std::string_view text) {
  return run_blocking_for(store.put(key(stripe), {Slice::copy_of(as_bytes(text))}));
}

}  // namespace

TEST_CASE("an injected fault hits its calls after those it skips, and no more than its times") {
  MemoryStore store;
  store.inject({.op = Op::put, .skip = 1, .times = 2});
  must(put(store, 1, "a"));
  CHECK(code_of(put(store, 2, "b")) == Code::io);
  CHECK(code_of(put(store, 3, "c")) == Code::io);
  must(put(store, 4, "d"));
  CHECK(store.keys() == std::vector<RecordKey>{key(1), key(4)});
  CHECK(store.calls(Op::put) == 4);

  store.inject({.key = key(9), .applied = true});
  must(put(store, 5, "e"));
  CHECK(put(store, 9, "f").error().maybe_happened());
  CHECK(store.payload(key(9)).has_value());
}

TEST_CASE("a hanging call takes effect after release, others meanwhile") {
  MemoryStore store;
  store.hang(Op::put, key(1));
  bool other_went_on = false;
  auto put_in = [](MemoryStore& into, std::uint64_t stripe) -> Task<void> {
    std::vector<Slice> pieces;
    pieces.push_back(Slice::copy_of(as_bytes("x")));
    static_cast<void>(co_await into.put(key(stripe), std::move(pieces)));
  };
  auto scenario = [&](MemoryStore& on, bool& flag) -> Task<void> {
    Gate gate;
    Executor executor = co_await boost::asio::this_coro::executor;
    Task<void> hanging = put_in(on, 1);
    spawn(executor, gate, std::move(hanging), "hanging put");
    co_await put_in(on, 2);
    flag = on.payload(key(2)).has_value() && !on.payload(key(1)).has_value();
    on.release();
    co_await gate.close();
  };
  run_blocking(scenario(store, other_went_on));
  CHECK(other_went_on);
  CHECK(store.payload(key(1)).has_value());
}

TEST_CASE("a corrupted record reads wrong, and scrub finds it") {
  MemoryStore store;
  must(put(store, 1, "abc"));
  must(put(store, 2, "abc"));
  CHECK(store.corrupt(key(2), 1));
  CHECK_FALSE(store.corrupt(key(3)));
  CHECK(as_text(must(run_blocking_for(store.read(key(2), 0, 10))).view()) == "acc");
  store::ScrubStep step = must(run_blocking_for(store.scrub({}, 1)));
  CHECK(step.damaged == std::vector<RecordKey>{key(2)});
  CHECK(store.quarantined() == 1);
  CHECK(code_of(run_blocking_for(store.read(key(2), 0, 10))) == Code::not_found);
}
