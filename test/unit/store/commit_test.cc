// Group commit, back pressure, and disks that fail or fill up.
#include <catch2/catch.hpp>
#include <thread>

#include "fixture.h"
#include "segment_file.h"

namespace mas::store::test {
namespace {

// Counts what is written to and synced in segments, and may make either fail.
struct Watch {
  std::atomic<int> writes{0};
  std::atomic<int> syncs{0};
  std::atomic<bool> fail_writes{false};
  std::atomic<bool> fail_syncs{false};

  void attach(fs::FaultFs& disk) {
    disk.set_hook([this](const fs::FsCall& call) -> Result<void> {
      if (!call.path.ends_with(".seg")) return {};
      if (call.op == fs::FsOp::write) {
        ++writes;
        if (fail_writes) return Error(Code::io, "injected");
      }
      if (call.op == fs::FsOp::sync) {
        ++syncs;
        if (fail_syncs) return Error(Code::io, "injected");
      }
      return {};
    });
  }
};

Puts small_puts(std::uint64_t from, std::uint64_t count, std::size_t size = 3000) {
  Puts puts;
  for (std::uint64_t i = from; i < from + count; ++i)
    puts.emplace_back(key_of(i), bytes_of(i, size));
  return puts;
}

TEST_CASE("what waits together is answered by one write and one sync") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  put(*store, key_of(1000), "makes the segment");
  Watch watch;
  watch.attach(*disk);
  REQUIRE(put_together(machine, *store, small_puts(0, 50)) == 0);
  CHECK(watch.writes == 1);
  CHECK(watch.syncs == 1);
  for (std::uint64_t i = 0; i < 50; ++i) CHECK(get(*store, key_of(i)) == bytes_of(i, 3000));
  put(*store, key_of(50), "alone");
  CHECK(watch.writes == 2);
  CHECK(watch.syncs == 2);
}

TEST_CASE("a frame holds no more records and bytes than configured") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  machine.options.frame_records = 8;
  machine.options.frame_bytes = 100'000;
  auto store = machine.open();
  REQUIRE(put_together(machine, *store, small_puts(0, 20)) == 0);
  REQUIRE(put_together(machine, *store, small_puts(20, 6, 30'000)) == 0);
  close(*store);
  store.reset();
  const auto frames = frames_of(*disk, 1);
  REQUIRE(frames.size() == 6);
  CHECK(frames[0].records.size() == 8);
  CHECK(frames[1].records.size() == 8);
  CHECK(frames[2].records.size() == 4);
  CHECK(frames[3].records.size() == 3);
  CHECK(frames[4].records.size() == 3);
  CHECK(frames[5].closing);
}

TEST_CASE("a segment is filled before the next is begun, and one record may be larger than it") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  for (std::uint64_t i = 0; i < 60; ++i) put(*store, key_of(i), bytes_of(i, 50'000));
  put(*store, key_of(60), bytes_of(60, 3 << 20));
  put(*store, key_of(61), "after");
  CHECK(get(*store, key_of(60)) == bytes_of(60, 3 << 20));
  // The one before the large record's ends early.
  for (std::uint64_t number = 1; number + 2 < segment_numbers(*disk).back(); ++number) {
    auto file = must(disk->open(segment_path(number), {}));
    const std::uint64_t size = must(file->size());
    CHECK(size > (1 << 20) - 60'000);
  }
  CHECK(store->usage().segments == segment_numbers(*disk).size());
}

TEST_CASE("puts from several io threads at once are all stored") {
  TemporaryDirectory directory;
  auto disk = fs::make_real_fs();
  Machine machine(*disk);
  machine.directories = {directory.path()};
  auto store = machine.open();
  constexpr std::uint64_t kPerThread = 60;
  IoThreads io(4);
  Gate gate;
  std::atomic<std::size_t> failed{0};
  auto work = [](Store& into, std::uint64_t from, std::atomic<std::size_t>& bad) -> Task<void> {
    for (std::uint64_t i = from; i < from + kPerThread; ++i) {
      std::vector<Slice> pieces;
      pieces.push_back(slice_of(bytes_of(i, 1000 + 37 * i)));
      Result<void> done = co_await into.put(key_of(i), std::move(pieces));
      if (done.has_error()) ++bad;
      Result<Slice> back = co_await into.read(key_of(i), 0, 1 << 20);
      if (back.has_error() || as_text(back->view()) != bytes_of(i, 1000 + 37 * i)) ++bad;
      if (i % 5 == 0) {
        std::vector<RecordKey> keys{key_of(i)};
        Result<void> removed = co_await into.remove(std::move(keys));
        if (removed.has_error()) ++bad;
      }
    }
  };
  for (std::uint64_t t = 0; t < 4; ++t) {
    REQUIRE(spawn(io.executor(t), gate, work(*store, t * kPerThread, failed), "work"));
  }
  io.start();
  run_blocking(gate.close());
  io.stop();
  CHECK(failed == 0);
  for (std::uint64_t i = 0; i < 4 * kPerThread; ++i) {
    if (i % 5 == 0) {
      CHECK_FALSE(get(*store, key_of(i)));
    } else {
      CHECK(get(*store, key_of(i)) == bytes_of(i, 1000 + 37 * i));
    }
  }
  close(*store);
}

TEST_CASE("a queue that is full answers busy, and takes more when it has drained") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  machine.options.queue_bytes = 20'000;
  auto store = machine.open();
  const std::size_t failed = put_together(machine, *store, small_puts(0, 20));
  CHECK(failed == 14);
  CHECK(store->usage().records == 6);
  put(*store, key_of(100), "again");
  CHECK(machine.metrics.text().find("reason=\"busy\"} 14") != std::string::npos);
}

TEST_CASE("a failed sync or write stops the volume's writing, reads go on") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  put(*store, key_of(1), "before");
  Watch watch;
  watch.attach(*disk);
  const bool is_sync = GENERATE(true, false);
  (is_sync ? watch.fail_syncs : watch.fail_writes) = true;
  Result<void> failed = try_put(*store, key_of(2), "lost");
  REQUIRE(failed.has_error());
  CHECK(failed.error().code() == Code::io);
  CHECK(failed.error().maybe_happened());
  watch.fail_syncs = watch.fail_writes = false;
  const int calls = watch.writes + watch.syncs;

  Result<void> refused = try_put(*store, key_of(3), "refused");
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::io);
  CHECK_FALSE(refused.error().maybe_happened());
  CHECK(code_of(run_blocking_for(store->remove({key_of(1)}))) == Code::io);
  CHECK(get(*store, key_of(1)) == "before");
  CHECK_FALSE(get(*store, key_of(2)));
  CHECK_FALSE(store->usage().writable);
  CHECK_FALSE(store->usage().not_writable_reason.empty());
  CHECK(run_blocking_for(store->quarantine(key_of(1), 1)).has_value());
  CHECK_FALSE(get(*store, key_of(1)));
  CHECK(code_of(run_blocking_for(store->close())) == Code::io);
  CHECK(watch.writes + watch.syncs == calls);
  store.reset();

  auto again = machine.open();
  CHECK(again->usage().writable);
  CHECK(get(*again, key_of(1)) == "before");
  const auto second = get(*again, key_of(2));
  CHECK((!second || *second == "lost"));
  CHECK_FALSE(get(*again, key_of(3)));
  put(*again, key_of(3), "now");
}

TEST_CASE("every waiter of a failed frame is told that it may have happened") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  put(*store, key_of(1000), "makes the segment");
  Watch watch;
  watch.attach(*disk);
  watch.fail_syncs = true;
  CHECK(put_together(machine, *store, small_puts(0, 10)) == 10);
  CHECK(watch.syncs == 1);
}

TEST_CASE("a full disk refuses puts and takes removes, and room made is noticed") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  machine.options.segment_size = 256 * 1024;
  machine.options.reserve = 0;
  disk->set_capacity(4 << 20);
  auto store = machine.open();
  std::uint64_t stored = 0;
  Result<void> result;
  while (stored < 1000) {
    result = try_put(*store, key_of(stored), bytes_of(stored, 20'000));
    if (result.has_error()) break;
    ++stored;
  }
  REQUIRE(result.has_error());
  CHECK(result.error().code() == Code::disk_full);
  CHECK_FALSE(result.error().maybe_happened());
  CHECK(stored > 100);
  CHECK(store->usage().free < 25'000);
  // Two segments are kept back.
  CHECK(must(disk->space("/data")).free >= 256 * 1024);
  for (std::uint64_t i = 0; i < stored; ++i) CHECK(get(*store, key_of(i)) == bytes_of(i, 20'000));
  std::vector<RecordKey> keys;
  for (std::uint64_t i = 0; i + 5 < stored; ++i) keys.push_back(key_of(i));
  must(run_blocking_for(store->remove(keys)));
  int compacted = 0;
  while (must(run_blocking_for(store->compact_one()))) ++compacted;
  CHECK(compacted > 5);
  for (std::uint64_t i = stored - 5; i < stored; ++i) {
    CHECK(get(*store, key_of(i)) == bytes_of(i, 20'000));
  }
  put(*store, key_of(2000), bytes_of(2000, 20'000));
  CHECK(store->usage().writable);
  close(*store);
}

TEST_CASE("a segment that cannot be made is an answer, not the end of writing") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  bool is_full = true;
  disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (is_full && call.op == fs::FsOp::allocate) return Error(Code::disk_full, "injected");
    return {};
  });
  CHECK(code_of(try_put(*store, key_of(1), "one")) == Code::disk_full);
  CHECK(segment_numbers(*disk).empty());
  is_full = false;
  put(*store, key_of(1), "one");
  CHECK(get(*store, key_of(1)) == "one");
}

TEST_CASE("a second store on the same directory is refused") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  CHECK(code_of(machine.try_open()) == Code::busy);
  CHECK(code_of(check(*disk, {"/data"}, nullptr)) == Code::busy);
  store.reset();
  CHECK(machine.try_open().has_value());
}

TEST_CASE("nothing is taken after a stop, and what was queued is done before it") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  close(*store);
  CHECK(code_of(try_put(*store, key_of(1), "late")) == Code::closed);
  CHECK(code_of(try_get(*store, key_of(1))) == Code::closed);
  CHECK(code_of(run_blocking_for(store->close())) == Code::closed);
  CHECK(segment_numbers(*disk).empty());
}

}  // namespace
}  // namespace mas::store::test
