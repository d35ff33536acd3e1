// Copying the live forward, and what may go when.
#include "store/compaction.h"

#include <catch2/catch.hpp>

#include "fixture.h"
#include "segment_file.h"

namespace mas::store::test {
namespace {

std::string content(std::uint64_t number) { return bytes_of(number, 40'000); }

bool compact_one(Store& store) { return must(run_blocking_for(store.compact_one())); }
int compact_all(Store& store) {
  int count = 0;
  while (compact_one(store)) ++count;
  return count;
}

struct Rig {
  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(5);
  Machine machine{*disk};
  std::unique_ptr<Store> store;

  explicit Rig(IndexKind index = IndexKind::rocksdb) {
    machine.index = index;
    machine.options.segment_size = 512 * 1024;
    store = machine.open();
  }
  void restart(bool without_index = false) {
    if (store) close(*store);
    store.reset();
    if (without_index) delete_index(*disk);
    store = machine.open();
  }
};

TEST_CASE("compaction keeps the live, drops the dead and gives the room back") {
  const IndexKind index = GENERATE(IndexKind::rocksdb, IndexKind::memory);
  Rig rig(index);
  for (std::uint64_t i = 0; i < 100; ++i) put(*rig.store, key_of(i), content(i));
  std::vector<RecordKey> dead;
  for (std::uint64_t i = 0; i < 100; ++i) {
    if (i % 5 != 0) dead.push_back(key_of(i));
  }
  must(run_blocking_for(rig.store->remove(dead)));
  const Usage before = rig.store->usage();
  CHECK(compact_all(*rig.store) > 5);
  const Usage after = rig.store->usage();
  CHECK(after.records == 20);
  CHECK(after.live == before.live);
  CHECK(after.stored < before.stored / 2);
  CHECK(after.segments < before.segments);
  CHECK_FALSE(compact_one(*rig.store));
  for (int life = 0; life < 3; ++life) {
    for (std::uint64_t i = 0; i < 100; ++i) {
      if (i % 5 == 0) {
        CHECK(get(*rig.store, key_of(i)) == content(i));
      } else {
        CHECK_FALSE(get(*rig.store, key_of(i)));
      }
    }
    CHECK(rig.store->usage().live == after.live);
    rig.restart(life == 1);
  }
}

TEST_CASE("a full disk gives back the room of segments that are mostly live, too") {
  Rig rig;
  rig.disk->set_capacity(16U << 20U);
  std::uint64_t stored = 0;
  while (try_put(*rig.store, key_of(stored), content(stored)).has_value()) ++stored;
  REQUIRE(stored > 200);
  std::vector<RecordKey> dead;
  for (std::uint64_t i = 0; i < stored; i += 4) dead.push_back(key_of(i));
  must(run_blocking_for(rig.store->remove(dead)));
  CHECK(compact_all(*rig.store) > 0);
  std::uint64_t again = 0;
  while (try_put(*rig.store, key_of(1000 + again), content(again)).has_value()) {
    ++again;
    compact_all(*rig.store);
  }
  CHECK(again > dead.size() / 2);
  for (std::uint64_t i = 0; i < stored; ++i) {
    if (i % 4 != 0) REQUIRE(get(*rig.store, key_of(i)) == content(i));
  }
}

TEST_CASE("a copy keeps its version, and stands for the record everywhere") {
  Rig rig;
  for (std::uint64_t i = 0; i < 30; ++i) put(*rig.store, key_of(i), content(i));
  const auto before = must(run_blocking_for(rig.store->stat(key_of(3))));
  for (std::uint64_t i = 0; i < 30; ++i) {
    if (i != 3) remove(*rig.store, key_of(i));
  }
  REQUIRE(compact_all(*rig.store) > 0);
  const auto after = must(run_blocking_for(rig.store->stat(key_of(3))));
  CHECK(after.version == before.version);
  CHECK(get(*rig.store, key_of(3)) == content(3));
}

TEST_CASE("segments at or above the threshold, and the newest, are left alone") {
  Rig rig;
  CHECK_FALSE(compact_one(*rig.store));
  for (std::uint64_t i = 0; i < 24; ++i) put(*rig.store, key_of(i), content(i));
  for (std::uint64_t i = 0; i < 24; i += 3) remove(*rig.store, key_of(i));
  CHECK_FALSE(compact_one(*rig.store));
  Rig single;
  put(*single.store, key_of(1), "one");
  remove(*single.store, key_of(1));
  CHECK_FALSE(compact_one(*single.store));
  single.restart();
  CHECK_FALSE(compact_one(*single.store));
}

TEST_CASE("a tombstone is live while an older segment than its first place exists") {
  std::vector<SegmentInfo> segments(3);
  for (std::size_t i = 0; i < 3; ++i) {
    segments[i].number = i + 1;
    segments[i].first_frame = 1 + 100 * i;
  }
  CHECK(tombstone_is_live(segments, 2, 150));
  CHECK_FALSE(tombstone_is_live({segments[1], segments[2]}, 2, 150));
  // A copy of it, in the third: as long as the segment it was first in is there.
  CHECK(tombstone_is_live({segments[1], segments[2]}, 3, 150));
  CHECK_FALSE(tombstone_is_live({segments[2]}, 3, 150));
  // A segment whose header is damaged may hold anything.
  segments[2].first_frame = 0;
  CHECK(tombstone_is_live({segments[2]}, 2, 150));
}

TEST_CASE("a deleted record stays deleted when its tombstone's segment is compacted first") {
  Rig rig;
  // Segment 1 stays live enough; it holds the record that is removed.
  for (std::uint64_t i = 0; i < 11; ++i) put(*rig.store, key_of(i), content(i));
  remove(*rig.store, key_of(4));
  for (std::uint64_t i = 100; i < 150; ++i) put(*rig.store, key_of(i), content(i));
  for (std::uint64_t i = 100; i < 150; ++i) remove(*rig.store, key_of(i));
  for (std::uint64_t i = 200; i < 215; ++i) put(*rig.store, key_of(i), content(i));
  REQUIRE(compact_all(*rig.store) > 2);
  REQUIRE(segment_numbers(*rig.disk).front() == 1);
  for (int life = 0; life < 3; ++life) {
    CHECK_FALSE(get(*rig.store, key_of(4)));
    CHECK(get(*rig.store, key_of(5)) == content(5));
    rig.restart(true);
  }
  // With the oldest gone too, no tombstone is left once everything was compacted.
  for (std::uint64_t i = 0; i < 11; ++i) remove(*rig.store, key_of(i));
  for (std::uint64_t i = 300; i < 315; ++i) put(*rig.store, key_of(i), content(i));
  compact_all(*rig.store);
  CHECK(segment_numbers(*rig.disk).front() > 1);
  rig.restart(true);
  for (std::uint64_t i = 0; i < 11; ++i) CHECK_FALSE(get(*rig.store, key_of(i)));
  CHECK(rig.store->usage().records == 30);
}

TEST_CASE("a damaged record met by compaction is quarantined alone") {
  Rig rig;
  for (std::uint64_t i = 0; i < 22; ++i) put(*rig.store, key_of(i), content(i));
  const auto frames = frames_of(*rig.disk, 1);
  must(rig.disk->flip_bit(segment_path(1), frames[2].records[0].location.payload + 7, 1));
  // The header of the frame of a record that stays: the index still knows where it is.
  must(rig.disk->flip_bit(segment_path(1), frames[3].offset + 7, 1));
  for (std::uint64_t i = 4; i < 22; ++i) remove(*rig.store, key_of(i));
  REQUIRE(compact_all(*rig.store) > 0);
  CHECK(segment_numbers(*rig.disk).front() > 1);
  for (int life = 0; life < 2; ++life) {
    for (std::uint64_t i : {0, 1, 3}) CHECK(get(*rig.store, key_of(i)) == content(i));
    CHECK_FALSE(get(*rig.store, key_of(2)));
    rig.restart(true);
  }
}

TEST_CASE("a segment that cannot be read stays, with all it holds") {
  Rig rig;
  for (std::uint64_t i = 0; i < 22; ++i) put(*rig.store, key_of(i), content(i));
  for (std::uint64_t i = 4; i < 22; ++i) remove(*rig.store, key_of(i));
  bool is_failing = true;
  rig.disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (is_failing && call.op == fs::FsOp::read && call.path == segment_path(1)) {
      return Error(Code::io, "injected");
    }
    return {};
  });
  int errors = 0;
  for (;;) {
    Result<bool> result = run_blocking_for(rig.store->compact_one());
    if (result.has_value() && !*result) break;
    if (result.has_error()) ++errors;
  }
  CHECK(errors == 1);
  is_failing = false;
  CHECK(segment_numbers(*rig.disk).front() == 1);
  for (std::uint64_t i = 0; i < 4; ++i) CHECK(get(*rig.store, key_of(i)) == content(i));
}

TEST_CASE("stopped at any step, compaction loses nothing and brings nothing back") {
  auto disk = fs::make_fault_fs(6);
  {
    Machine machine(*disk);
    machine.options.segment_size = 512 * 1024;
    auto store = machine.open();
    for (std::uint64_t i = 0; i < 30; ++i) put(*store, key_of(i), content(i));
    for (std::uint64_t i = 0; i < 30; ++i) {
      if (i % 4 != 0) remove(*store, key_of(i));
    }
    close(*store);
  }
  auto rng = make_seeded_rng(11);
  const IndexKind index = GENERATE(IndexKind::memory, IndexKind::rocksdb);
  bool is_done = false;
  for (std::uint64_t step = 0; !is_done; ++step) {
    INFO("stopped before change " << step);
    auto running = disk->after_restart();
    Machine machine(*running);
    machine.index = index;
    machine.options.segment_size = 512 * 1024;
    {
      auto store = machine.open();
      const std::uint64_t before = running->mutations();
      running->power_off_after(step);
      for (;;) {
        Result<bool> result = run_blocking_for(store->compact_one());
        if (result.has_error() || !*result) break;
      }
      is_done = running->mutations() - before < step;
    }
    for (const double keep : {0.0, 0.5, 1.0}) {
      auto after = running->after_power_loss(*rng, keep);
      Machine next(*after);
      next.index = index;
      next.options.segment_size = 512 * 1024;
      auto store = next.open();
      for (std::uint64_t i = 0; i < 30; ++i) {
        if (i % 4 == 0) {
          REQUIRE(get(*store, key_of(i)) == content(i));
        } else {
          REQUIRE_FALSE(get(*store, key_of(i)));
        }
      }
      compact_all(*store);
      REQUIRE(store->usage().records == 8);
      REQUIRE(list(*store).size() == 8);
    }
  }
}

TEST_CASE("the index is durable past the copies before their source is removed") {
  Rig rig;
  for (std::uint64_t i = 0; i < 22; ++i) put(*rig.store, key_of(i), content(i));
  for (std::uint64_t i = 4; i < 22; ++i) remove(*rig.store, key_of(i));
  bool is_flushed = false;
  int removed = 0;
  rig.disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::sync && call.path.ends_with(".sst")) is_flushed = true;
    if (call.op == fs::FsOp::write && call.path.ends_with(".seg")) is_flushed = false;
    if (call.op == fs::FsOp::remove && call.path.ends_with(".seg")) {
      CHECK(is_flushed);
      ++removed;
    }
    return {};
  });
  compact_all(*rig.store);
  rig.disk->set_hook(nullptr);
  CHECK(removed > 0);
}

TEST_CASE("puts and removes while a segment is copied win over the copies") {
  Rig rig;
  for (std::uint64_t i = 0; i < 22; ++i) put(*rig.store, key_of(i), content(i));
  for (std::uint64_t i = 6; i < 22; ++i) remove(*rig.store, key_of(i));
  // All in one frame: the copies of 0 to 5, a put of 1 and a remove of 2.
  auto race = [](Rig& where) -> Task<void> {
    const Executor executor = co_await boost::asio::this_coro::executor;
    Gate gate;
    auto compact = [](Store& store) -> Task<void> { (void)co_await store.compact_one(); };
    auto drop = [](Store& store) -> Task<void> {
      std::vector<RecordKey> keys{key_of(2)};
      (void)co_await store.remove(std::move(keys));
    };
    std::size_t failed = 0;
    spawn(executor, gate, compact(*where.store), "compact");
    spawn(executor, gate, put_into(*where.store, key_of(1), "newer", failed), "put");
    spawn(executor, gate, drop(*where.store), "remove");
    co_await gate.close();
  };
  run_blocking(race(rig));
  compact_all(*rig.store);
  for (int life = 0; life < 2; ++life) {
    CHECK(get(*rig.store, key_of(1)) == "newer");
    CHECK_FALSE(get(*rig.store, key_of(2)));
    for (std::uint64_t i : {0, 3, 4, 5}) CHECK(get(*rig.store, key_of(i)) == content(i));
    rig.restart(true);
  }
}

}  // namespace
}  // namespace mas::store::test
