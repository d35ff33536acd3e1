// Bad sectors, vanished segment files, disks that give nothing: what is not held any more, what
// stays, and what comes back.
#include <catch2/catch.hpp>
#include <set>

#include "fixture.h"
#include "mas/store/directories.h"
#include "segment_file.h"
#include "support/fake_clock.h"

namespace mas::store::test {
namespace {

std::string content(std::uint64_t number) { return bytes_of(number, 20'000 + number); }

// Fails every read of a range of a file: `bytes` bytes from `offset` on.
struct BadSector {
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t bytes = kBlockSize;

  Result<void> operator()(const fs::FsCall& call) const {
    const bool is_hit = call.op == fs::FsOp::read && call.path == path &&
                        call.offset < offset + bytes && call.offset + call.length > offset;
    if (is_hit) return Error(Code::io, "bad sector");
    return {};
  }
};

bool is_held(Store& store, const RecordKey& key) {
  const auto info = run_blocking_for(store.stat(key));
  if (info.has_error()) REQUIRE(info.error().code() == Code::not_found);
  return info.has_value();
}

ScrubStep scrub_all(Store& store) {
  return must(run_blocking_for(store.scrub(std::nullopt, 1 << 30)));
}

// Ten records, each in a frame of its own, over two segments.
struct Rig {
  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(5);
  Machine machine{*disk};
  mas::test::FakeClock* clock = nullptr;
  std::unique_ptr<Store> store;

  explicit Rig(IndexKind index = IndexKind::rocksdb) {
    machine.index = index;
    machine.options.segment_size = 128 * 1024;
    auto fake = std::make_unique<mas::test::FakeClock>();
    clock = fake.get();
    machine.clock = std::move(fake);
    store = machine.open();
    for (std::uint64_t i = 0; i < 10; ++i) put(*store, key_of(i), content(i));
  }
  // Where the payload of the `number`-th record of segment 1 lies.
  [[nodiscard]] BadSector bad_payload(std::uint64_t number, std::uint64_t skip = 0) const {
    const auto frames = frames_of(*disk, 1);
    const std::uint64_t at = frames.at(number).records.at(0).location.payload + skip;
    return {segment_path(1), at / kBlockSize * kBlockSize, kBlockSize};
  }
  void restart() {
    store.reset();
    store = machine.open();
  }
};

TEST_CASE("a bad sector is one damaged record to scrub, which goes on behind it") {
  Rig rig;
  rig.disk->set_hook(rig.bad_payload(2, 9'000));
  const ScrubStep step = scrub_all(*rig.store);
  CHECK(step.damaged == std::vector<RecordKey>{key_of(2)});
  CHECK(step.records == 10);
  CHECK_FALSE(step.next);
  CHECK(rig.store->usage().quarantined == 1);
  CHECK_FALSE(is_held(*rig.store, key_of(2)));
  CHECK_FALSE(get(*rig.store, key_of(2)));
  CHECK(list(*rig.store).size() == 9);
  for (std::uint64_t i : {0, 1, 3, 9}) CHECK(get(*rig.store, key_of(i)) == content(i));
  // It is counted once, and asked to be repaired until it is.
  CHECK(scrub_all(*rig.store).damaged == std::vector<RecordKey>{key_of(2)});
  CHECK(rig.store->usage().quarantined == 1);
}

TEST_CASE("a scrub over many bad sectors ends each step soon and comes to the end") {
  auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  auto store = machine.open();
  for (std::uint64_t i = 0; i < 300; ++i) put(*store, key_of(i), bytes_of(i, 1'000));
  disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    const bool is_bad = call.op == fs::FsOp::read && call.path == segment_path(1) &&
                        (call.length > kBlockSize || call.offset > 20 * kBlockSize);
    if (is_bad) return Error(Code::io, "bad sector");
    return {};
  });
  std::set<RecordKey> damaged;
  std::optional<RecordKey> from;
  int steps = 0;
  do {
    const ScrubStep step = must(run_blocking_for(store->scrub(from, 1 << 30)));
    CHECK(step.damaged.size() < 100);
    damaged.insert(step.damaged.begin(), step.damaged.end());
    from = step.next;
    ++steps;
  } while (from && steps < 100);
  CHECK(damaged.size() > 200);
  CHECK(damaged.size() == 300 - list(*store).size());
  CHECK(steps > 3);
  CHECK(steps < 100);
}

TEST_CASE("the first read that meets a bad sector ends the record's being held") {
  Rig rig;
  rig.disk->set_hook(rig.bad_payload(2));
  CHECK(is_held(*rig.store, key_of(2)));
  // Also where only a part of it was asked for, and the record before is still good.
  CHECK(code_of(try_get(*rig.store, key_of(2), 0, 100)) == Code::not_found);
  CHECK_FALSE(is_held(*rig.store, key_of(2)));
  CHECK(get(*rig.store, key_of(1)) == content(1));
  CHECK(rig.store->usage().quarantined == 1);
  SECTION("made anew it is held again, and the old one never counts") {
    put(*rig.store, key_of(2), "made anew");
    CHECK(get(*rig.store, key_of(2)) == "made anew");
    rig.disk->set_hook(nullptr);
    rig.restart();
    CHECK(get(*rig.store, key_of(2)) == "made anew");
  }
  SECTION("removed it stays removed, though the sector can be read again") {
    remove(*rig.store, key_of(2));
    rig.disk->set_hook(nullptr);
    CHECK_FALSE(is_held(*rig.store, key_of(2)));
    rig.restart();
    CHECK_FALSE(is_held(*rig.store, key_of(2)));
  }
  SECTION("nothing was thrown away: scrub finds it when the sector can be read again") {
    rig.disk->set_hook(nullptr);
    CHECK_FALSE(is_held(*rig.store, key_of(2)));
    CHECK(scrub_all(*rig.store).damaged.empty());
    CHECK(get(*rig.store, key_of(2)) == content(2));
  }
  SECTION("nothing was thrown away: so does the next start") {
    rig.disk->set_hook(nullptr);
    rig.restart();
    CHECK(get(*rig.store, key_of(2)) == content(2));
  }
  SECTION("a reader that calls it wrong changes nothing") {
    must(run_blocking_for(rig.store->quarantine(key_of(2), 3)));
    CHECK(rig.store->usage().quarantined == 1);
  }
}

TEST_CASE("a read that fails once is tried again before anything is said") {
  Rig rig;
  auto failures = std::make_shared<int>(1);
  rig.disk->set_hook([failures](const fs::FsCall& call) -> Result<void> {
    const bool is_hit = call.op == fs::FsOp::read && call.path == segment_path(1);
    if (is_hit && (*failures)-- > 0) return Error(Code::io, "once");
    return {};
  });
  CHECK(get(*rig.store, key_of(2)) == content(2));
  CHECK(rig.store->usage().quarantined == 0);
}

TEST_CASE("a disk that gives nothing at all is one event, and its records are there when it is") {
  Rig rig;
  rig.disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::read) return Error(Code::io, "no disk");
    return {};
  });
  CHECK(code_of(try_get(*rig.store, key_of(1))) == Code::io);
  // Nobody says that it holds nothing: it cannot know.
  CHECK(code_of(run_blocking_for(rig.store->stat(key_of(2)))) == Code::io);
  CHECK(code_of(run_blocking_for(rig.store->scrub(std::nullopt, 1 << 30))) == Code::io);
  CHECK(code_of(run_blocking_for(rig.store->list(std::nullopt, 10))) == Code::io);
  CHECK(code_of(try_put(*rig.store, key_of(20), "new")) == Code::io);
  CHECK_FALSE(rig.store->usage().writable);
  CHECK(rig.store->usage().quarantined == 0);
  CHECK(absent_directories(*rig.store).size() == 1);
  rig.disk->set_hook(nullptr);
  rig.clock->advance(std::chrono::seconds(2));
  CHECK(get(*rig.store, key_of(1)) == content(1));
  CHECK(absent_directories(*rig.store).empty());
  CHECK(rig.store->usage().writable);
  CHECK(scrub_all(*rig.store).damaged.empty());
  CHECK(list(*rig.store).size() == 10);
}

TEST_CASE(
    "what lies on one of several disks that gives nothing is not held, and can be made anew") {
  auto disk = fs::make_fault_fs(2);
  Machine machine(*disk);
  machine.directories = {"/a", "/b"};
  auto store = machine.open();
  for (std::uint64_t i = 0; i < 20; ++i) put(*store, key_of(i), content(i));
  disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.path.starts_with("/b/segments")) return Error(Code::io, "no disk");
    return {};
  });
  const ScrubStep step = scrub_all(*store);
  CHECK(step.damaged.empty());
  CHECK(store->usage().quarantined == 0);
  int lost = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    if (is_held(*store, key_of(i))) continue;
    ++lost;
    put(*store, key_of(i), "made anew");
  }
  CHECK(lost > 2);
  CHECK(lost < 18);
  CHECK(list(*store).size() == 20);
  // With the disk back, what was made meanwhile is the newer.
  disk->set_hook(nullptr);
  store.reset();
  store = machine.open();
  int anew = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto now = get(*store, key_of(i));
    if (now == "made anew") {
      ++anew;
    } else {
      CHECK(now == content(i));
    }
  }
  CHECK(anew == lost);
}

TEST_CASE("a segment file that vanishes while the store runs takes its records with it, at once") {
  Rig rig;
  rig.restart();  // with no descriptor open
  std::size_t in_first = 0;
  for (const auto& frame : frames_of(*rig.disk, 1)) in_first += frame.records.size();
  must(rig.disk->remove(segment_path(1)));
  const auto first = key_of(0);
  SECTION("met by a reader") { CHECK_FALSE(get(*rig.store, first)); }
  SECTION("met by scrub") { CHECK(scrub_all(*rig.store).damaged.size() == in_first); }
  CHECK(rig.store->usage().quarantined == in_first);
  CHECK(list(*rig.store).size() == 10 - in_first);
  for (std::uint64_t i = 0; i < in_first; ++i) CHECK_FALSE(is_held(*rig.store, key_of(i)));
  put(*rig.store, first, "made anew");
  CHECK(get(*rig.store, first) == "made anew");
  CHECK(get(*rig.store, key_of(9)) == content(9));
  rig.restart();
  CHECK(get(*rig.store, first) == "made anew");
  CHECK(list(*rig.store).size() == 10 - in_first + 1);
}

TEST_CASE("the file of the segment that is written to vanishes: nothing is acknowledged any more") {
  Rig rig;
  const std::uint64_t newest = segment_numbers(*rig.disk).back();
  rig.restart();
  must(rig.disk->remove(segment_path(newest)));
  CHECK_FALSE(get(*rig.store, key_of(9)));
  CHECK(code_of(try_put(*rig.store, key_of(20), "new")) == Code::io);
  CHECK_FALSE(rig.store->usage().writable);
}

TEST_CASE("a segment file that is not there at a start takes its records with it") {
  Rig rig;
  close(*rig.store);
  std::size_t in_first = 0;
  for (const auto& frame : frames_of(*rig.disk, 1)) in_first += frame.records.size();
  must(rig.disk->remove(segment_path(1)));
  rig.restart();
  CHECK(rig.store->usage().quarantined == in_first);
  CHECK(rig.store->usage().records == 10 - in_first);
  CHECK(list(*rig.store).size() == 10 - in_first);
  for (std::uint64_t i = 0; i < 10; ++i) CHECK(is_held(*rig.store, key_of(i)) == (i >= in_first));
  // Once: the index has forgotten them.
  close(*rig.store);
  rig.restart();
  CHECK(rig.store->usage().quarantined == 0);
}

TEST_CASE("a segment whose header cannot be read does not keep the store from opening") {
  const IndexKind index = GENERATE(IndexKind::memory, IndexKind::rocksdb);
  const std::uint64_t segment = GENERATE(1, 2);
  Rig rig(index);
  REQUIRE(segment_numbers(*rig.disk) == std::vector<std::uint64_t>{1, 2});
  remove(*rig.store, key_of(4));
  rig.store.reset();
  rig.disk->set_hook(BadSector{segment_path(segment), 0, kBlockSize});
  for (int life = 0; life < 2; ++life) {
    rig.store = rig.machine.open();
    for (std::uint64_t i = 0; i < 10; ++i) {
      if (i == 4) {
        CHECK_FALSE(is_held(*rig.store, key_of(i)));
      } else {
        CHECK(get(*rig.store, key_of(i)) == content(i));
      }
    }
    // Nothing is written to it any more, and its number is not used again.
    put(*rig.store, key_of(20 + life), "new");
    CHECK(get(*rig.store, key_of(20 + life)) == "new");
    rig.store.reset();
  }
  const auto numbers = segment_numbers(*rig.disk);
  CHECK(numbers[0] == 1);
  CHECK(numbers[1] == 2);
  if (segment == 2) CHECK(numbers[2] == 3);
}

// The newest records of the newest segment are a removal and a newer content; neither may lose
// against what is older when its blocks can be read again.
TEST_CASE("versions start above what a block that cannot be read may hold") {
  const IndexKind index = GENERATE(IndexKind::memory, IndexKind::rocksdb);
  auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  machine.index = IndexKind::memory;  // replayed from the beginning: nothing is remembered
  auto store = machine.open();
  for (std::uint64_t i = 0; i < 4; ++i) put(*store, key_of(i), content(i));
  std::uint64_t highest = 0;
  for (int i = 0; i < 50; ++i) put(*store, key_of(3), "older");
  highest = must(run_blocking_for(store->stat(key_of(3)))).version;
  store.reset();
  const auto frames = frames_of(*disk, 1);
  const std::uint64_t from = frames.at(4).offset;
  disk->set_hook(BadSector{segment_path(1), from, frames.back().offset + kBlockSize - from});
  machine.index = index;
  store = machine.open();
  put(*store, key_of(3), "newest");
  CHECK(must(run_blocking_for(store->stat(key_of(3)))).version > highest);
  store.reset();
  disk->set_hook(nullptr);
  machine.index = IndexKind::memory;
  store = machine.open();
  CHECK(get(*store, key_of(3)) == "newest");
  for (std::uint64_t i = 0; i < 3; ++i) CHECK(get(*store, key_of(i)) == content(i));
}

TEST_CASE("a tail that cannot be read is not cut off") {
  auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  machine.index = IndexKind::memory;
  auto store = machine.open();
  for (std::uint64_t i = 0; i < 6; ++i) put(*store, key_of(i), content(i));
  store.reset();
  const auto frames = frames_of(*disk, 1);
  const auto last = frames.back().records.at(0).location;
  const std::uint64_t at =
      GENERATE_COPY((last.payload / kBlockSize + 1) * kBlockSize, frames.back().offset);
  disk->set_hook(BadSector{segment_path(1), at, kBlockSize});
  store = machine.open();
  for (std::uint64_t i = 0; i < 5; ++i) CHECK(get(*store, key_of(i)) == content(i));
  CHECK_FALSE(get(*store, key_of(5)));
  put(*store, key_of(6), content(6));
  store.reset();
  disk->set_hook(nullptr);
  store = machine.open();
  for (std::uint64_t i = 0; i < 7; ++i) CHECK(get(*store, key_of(i)) == content(i));
}

TEST_CASE("compaction leaves a segment alone that it cannot read, with its tombstones") {
  Rig rig;
  for (std::uint64_t i = 0; i < 5; ++i) remove(*rig.store, key_of(i));
  const auto frames = frames_of(*rig.disk, 1);
  rig.disk->set_hook(BadSector{segment_path(1), frames.at(1).offset, kBlockSize});
  for (int i = 0; i < 5; ++i) (void)run_blocking_for(rig.store->compact_one());
  CHECK(segment_numbers(*rig.disk).front() == 1);
  rig.disk->set_hook(nullptr);
  for (std::uint64_t i = 5; i < 10; ++i) CHECK(get(*rig.store, key_of(i)) == content(i));
}

}  // namespace
}  // namespace mas::store::test
