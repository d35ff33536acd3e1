// A pod of one for the workers: metadata and store in memory, time that the test moves.
#pragma once

#include "mas/maintain/scheduler.h"
#include "mas/meta/memory.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/rng.h"
#include "support/fake_clock.h"
#include "support/memory_store.h"
#include "support/must.h"

namespace mas::test {

struct MaintainRig {
  MaintainRig() : view(alone()) {}

  static membership::ClusterView alone() {
    membership::ClusterView view;
    view.layout = layout::found(Id128{}, {layout::Member{"mas-0", Id128{}, "", 1}});
    return view;
  }
  [[nodiscard]] maintain::Dependencies deps() { return {*meta, store, view, clock, metrics}; }
  [[nodiscard]] std::int64_t now() const { return clock.wall().unix_seconds(); }

  template <class T>
  T get(Task<Result<T>> task) {
    return must(run_blocking_for(std::move(task)));
  }
  Result<Duration> step(maintain::Worker& worker) { return run_blocking_for(worker.step()); }
  // As often as the worker wants to, for so long.
  void step_for(maintain::Worker& worker, Duration time) {
    const Instant end = clock.now() + time;
    for (;;) {
      const Duration rest = must(step(worker));
      if (clock.now() >= end && rest > Duration(0)) return;
      clock.advance(std::min(rest, std::max<Duration>(end - clock.now(), Duration(0))));
    }
  }

  meta::Extent extent() { return {rng->id(), 100, 4096, Profile{1, 0}}; }
  // Shards of some stripes and numbers.
  void put_shards(const meta::Extent& extent, std::uint64_t stripes = 2) {
    for (std::uint64_t stripe = 0; stripe < stripes; ++stripe) {
      for (std::uint16_t number = 0; number < 2; ++number) {
        put(RecordKey::shard(extent.id, stripe, number));
      }
    }
  }
  void put(const RecordKey& key) {
    must(run_blocking_for(store.put(key, {Slice::copy_of(as_bytes("bytes"))})));
  }
  // How many shards of it the store has.
  std::size_t shards_of(const meta::Extent& extent) {
    std::size_t count = 0;
    for (const RecordKey& key : store.keys()) {
      count += key.kind == RecordKind::shard && key.extent() == extent.id ? 1 : 0;
    }
    return count;
  }
  std::size_t manifests_of(const Hash& hash) {
    std::size_t count = 0;
    for (const RecordKey& key : store.keys()) {
      count += key.kind == RecordKind::manifest && key.hash() == hash ? 1 : 0;
    }
    return count;
  }
  // A live object with shards and a manifest.
  meta::Object put_object(std::optional<Hash> hash = {}) {
    meta::Object object;
    object.hash = hash.value_or(Hash{});
    if (!hash) rng->fill(object.hash.bytes);
    object.generation = get(meta->next_generation(1));
    object.created = now();
    object.extents = {extent()};
    put_shards(object.extents[0]);
    put(RecordKey::manifest(object.hash, object.generation, 0));
    REQUIRE(get(meta->commit(object, 0, std::nullopt)).committed);
    return object;
  }
  // Deletes it, with the deletion's manifest.
  meta::Object condemn(const meta::Object& object) {
    std::uint64_t deletion = get(meta->next_generation(1));
    put(RecordKey::manifest(object.hash, deletion, 0));
    return get(meta->condemn(object.hash, object.generation, deletion, now()));
  }

  config::Maintain options;
  FakeClock clock;
  observe::Metrics metrics;
  std::unique_ptr<Rng> rng = make_seeded_rng(1);
  std::unique_ptr<meta::MetaStore> meta = meta::make_memory_meta();
  MemoryStore store;
  membership::ViewBoard view;
};

}  // namespace mas::test
