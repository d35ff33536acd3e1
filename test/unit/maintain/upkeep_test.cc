#include "rig.h"
#include "watched_store.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;

TEST_CASE("compaction goes on until the store says there is none to do") {
  MaintainRig rig;
  Watched store(rig.store);
  store.compactable = 3;
  maintain::Dependencies deps{*rig.meta, store, rig.view, rig.clock, rig.metrics};
  auto worker = maintain::make_compact_worker(rig.options, deps);
  for (int i = 0; i < 3; ++i) CHECK(must(rig.step(*worker)) == Duration(0));
  CHECK(must(rig.step(*worker)) == rig.options.compact_interval);
  maintain::WorkerStatus status;
  worker->describe(status);
  CHECK(status.done == 3);
}

TEST_CASE("scrub keeps to its rate, goes on where it was, and starts again each period") {
  MaintainRig rig;
  Watched store(rig.store);
  store.shown.live = 100ULL << 40;  // so much that the rate is the limit
  maintain::Dependencies deps{*rig.meta, store, rig.view, rig.clock, rig.metrics};
  auto worker = maintain::make_scrub_worker(rig.options, deps);
  RecordKey middle = RecordKey::shard(rig.extent().id, 1, 0);
  store.next_scrub = {10, 8 << 20, {middle}, middle};
  CHECK(must(rig.step(*worker)) == std::chrono::milliseconds(250));  // 8 MiB at 32 MiB/s
  CHECK_FALSE(store.last_from);
  CHECK(store.last_most == 8 << 20);
  store.shown.live = 16 << 20;  // little: no hurry, but no idling either
  CHECK(must(rig.step(*worker)) == std::chrono::minutes(1));
  CHECK(store.last_from == middle);
  maintain::WorkerStatus status;
  worker->describe(status);
  CHECK(status.done == 20);
  CHECK(status.progress == 1);
  CHECK(rig.metrics.counter("mas_scrub_damaged_total", "").value() == 2);

  store.next_scrub = {};
  rig.clock.advance(hours(10));
  CHECK(must(rig.step(*worker)) == rig.options.scrub_period - hours(10));
  must(rig.step(*worker));
  CHECK_FALSE(store.last_from);
}
