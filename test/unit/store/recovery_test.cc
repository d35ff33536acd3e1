// What a start makes of what a crash, or a disk gone bad, left behind.
#include <catch2/catch.hpp>

#include "fixture.h"
#include "segment_file.h"

namespace mas::store::test {
namespace {

constexpr std::uint64_t kRecords = 6;

std::string content(std::uint64_t number) { return bytes_of(number, 9'000 + 100 * number); }

// A store with kRecords records, each in a frame of its own, that died without a stop.
std::unique_ptr<fs::FaultFs> died_disk(IndexKind index) {
  auto disk = fs::make_fault_fs(3);
  Machine machine(*disk);
  machine.index = index;
  auto store = machine.open();
  for (std::uint64_t i = 0; i < kRecords; ++i) put(*store, key_of(i), content(i));
  store.reset();
  return disk;
}

// All but the last are as they were; the last is whole or absent; the store works, and after one
// more start all is still so.
void expect_recovered(fs::Fs& fs, IndexKind index) {
  Machine machine(fs);
  machine.index = index;
  std::optional<std::string> last;
  for (int life = 0; life < 2; ++life) {
    auto store = machine.open();
    for (std::uint64_t i = 0; i + 1 < kRecords; ++i) REQUIRE(get(*store, key_of(i)) == content(i));
    const auto now = get(*store, key_of(kRecords - 1));
    if (now) REQUIRE(*now == content(kRecords - 1));
    if (life == 1) REQUIRE(now == last);
    last = now;
    if (life == 1) REQUIRE(get(*store, key_of(50)) == content(50));
    put(*store, key_of(50), content(50));
    REQUIRE(get(*store, key_of(50)) == content(50));
    const auto step = must(run_blocking_for(store->scrub(std::nullopt, 1 << 30)));
    REQUIRE(step.damaged.empty());
  }
}

TEST_CASE("a tail cut anywhere in the last frame costs at most that frame") {
  const IndexKind index = GENERATE(IndexKind::memory, IndexKind::rocksdb);
  auto disk = died_disk(index);
  const WalkedFrame last = frames_of(*disk, 1).back();
  const std::uint64_t step = index == IndexKind::memory ? 331 : 2'111;
  for (std::uint64_t cut = 0; cut <= last.length; cut += step) {
    INFO("cut at " << cut);
    auto after = disk->after_restart();
    cut_file(*after, segment_path(1), last.offset + cut);
    expect_recovered(*after, index);
  }
}

TEST_CASE("a tail of zeros, garbage or stale frames costs at most the last frame") {
  const IndexKind index = IndexKind::memory;
  auto disk = died_disk(index);
  const auto frames = frames_of(*disk, 1);
  const WalkedFrame last = frames.back();
  const std::string path = segment_path(1);
  const std::string stale = read_range(*disk, path, frames[2].offset, frames[2].length);
  const std::size_t beyond = GENERATE(0, 100'000);
  for (std::uint64_t cut = 0; cut <= last.length; cut += 512) {
    const std::size_t left = last.length - cut + beyond;
    std::string garbage = bytes_of(cut + 1, left);
    std::string stale_tail;
    while (stale_tail.size() < left) stale_tail += stale;
    stale_tail.resize(left);
    for (const std::string& tail : {std::string(left, '\0'), garbage, stale_tail}) {
      INFO("cut at " << cut << " and " << left << " bytes of '"
                     << to_hex(as_bytes(tail.substr(0, 4))));
      auto after = disk->after_restart();
      if (left > 0) overwrite(*after, path, last.offset + cut, tail);
      expect_recovered(*after, index);
    }
  }
}

TEST_CASE("what was cut off is zeroed before anything is written") {
  auto disk = died_disk(IndexKind::memory);
  const WalkedFrame last = frames_of(*disk, 1).back();
  const std::string path = segment_path(1);
  // The header of the frame is lost, the rest of it landed; so did something behind it.
  overwrite(*disk, path, last.offset, std::string(4096, '\0'));
  overwrite(*disk, path, last.offset + last.length + 300'000, "remains");
  std::vector<fs::FsCall> calls;
  disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (call.path == path && (call.op == fs::FsOp::write || call.op == fs::FsOp::sync)) {
      calls.push_back(call);
    }
    return {};
  });
  Machine machine(*disk);
  machine.index = IndexKind::memory;
  auto store = machine.open();
  REQUIRE(calls.size() >= 2);
  CHECK(calls.front().op == fs::FsOp::write);
  CHECK(calls.front().offset == last.offset);
  CHECK(calls.back().op == fs::FsOp::sync);
  const std::string rest = read_range(*disk, path, last.offset, 1 << 20);
  CHECK(rest == std::string(rest.size(), '\0'));
  CHECK(machine.metrics.text().find("mas_store_cuts_total 1") != std::string::npos);
}

TEST_CASE("a frame with another behind it is never cut, however damaged") {
  auto disk = died_disk(IndexKind::memory);
  const auto frames = frames_of(*disk, 1);
  const std::string path = segment_path(1);
  auto open_after = [&](fs::Fs& fs) {
    Machine machine(fs);
    machine.index = IndexKind::memory;
    auto store = machine.open();
    std::vector<std::uint64_t> there;
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      if (get(*store, key_of(i)) == content(i)) there.push_back(i);
    }
    CHECK(machine.metrics.text().find("mas_store_cuts_total 0") != std::string::npos);
    return there;
  };
  SECTION("a bad frame header leaves its records readable") {
    must(disk->flip_bit(path, frames[2].offset + 50, 3));
    CHECK(open_after(*disk) == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5});
  }
  SECTION("a bad record header loses that record") {
    must(disk->flip_bit(path, frames[2].offset + sizeof(FrameHeader) + 30, 3));
    CHECK(open_after(*disk) == std::vector<std::uint64_t>{0, 1, 3, 4, 5});
  }
  SECTION("a bad payload loses that record") {
    must(disk->flip_bit(path, frames[2].records[0].location.payload + 30, 3));
    CHECK(open_after(*disk) == std::vector<std::uint64_t>{0, 1, 3, 4, 5});
  }
  SECTION("two frames overwritten with garbage lose those two") {
    overwrite(*disk, path, frames[2].offset, bytes_of(1, frames[4].offset - frames[2].offset));
    CHECK(open_after(*disk) == std::vector<std::uint64_t>{0, 1, 4, 5});
  }
  SECTION("the last frame too, when something was begun behind it") {
    must(disk->flip_bit(path, frames[5].records[0].location.payload + 30, 3));
    overwrite(*disk, path, frames[5].offset + frames[5].length, bytes_of(1, 5000));
    Machine machine(*disk);
    machine.index = IndexKind::memory;
    {
      auto store = machine.open();
      CHECK(get(*store, key_of(4)) == content(4));
      CHECK_FALSE(get(*store, key_of(5)));
      CHECK(store->usage().quarantined == 1);
      close(*store);
    }
    auto store = machine.open();
    CHECK_FALSE(get(*store, key_of(5)));
  }
}

TEST_CASE("a damaged record does not bring an older one of its key back") {
  auto disk = fs::make_fault_fs(3);
  Machine machine(*disk);
  machine.index = IndexKind::memory;
  {
    auto store = machine.open();
    put(*store, key_of(1), "the old one");
    put(*store, key_of(1), "the new one");
  }
  const auto frames = frames_of(*disk, 1);
  must(disk->flip_bit(segment_path(1), frames[1].records[0].location.payload, 0));
  overwrite(*disk, segment_path(1), frames[1].offset + 4096, "begun");
  for (int life = 0; life < 2; ++life) {
    auto store = machine.open();
    CHECK_FALSE(get(*store, key_of(1)));
    close(*store);
  }
}

TEST_CASE("nothing up to a closing frame is cut, and only the bad record of its frame is lost") {
  auto disk = fs::make_fault_fs(3);
  Machine machine(*disk);
  {
    auto store = machine.open();
    put(*store, key_of(1), content(1));
    REQUIRE(put_together(machine, *store, {{key_of(2), content(2)}, {key_of(3), content(3)}}) == 0);
    close(*store);
  }
  const auto frames = frames_of(*disk, 1);
  REQUIRE(frames.size() == 3);
  REQUIRE(frames[1].records.size() == 2);
  REQUIRE(frames[2].closing);
  must(disk->flip_bit(segment_path(1), frames[1].records[0].location.payload, 0));
  if (GENERATE(true, false)) delete_index(*disk);
  auto store = machine.open();
  CHECK(get(*store, key_of(1)) == content(1));
  CHECK(get(*store, key_of(3)) == content(3));
  const auto step = must(run_blocking_for(store->scrub(std::nullopt, 1 << 30)));
  CHECK(step.damaged == std::vector<RecordKey>{key_of(2)});
  CHECK(machine.metrics.text().find("mas_store_cuts_total 0") != std::string::npos);
}

TEST_CASE("nothing up to the position of the index is cut") {
  auto disk = fs::make_fault_fs(3);
  Machine machine(*disk);
  {
    auto store = machine.open();
    REQUIRE(put_together(machine, *store, {{key_of(2), content(2)}, {key_of(3), content(3)}}) == 0);
    close(*store);
  }
  const auto frames = frames_of(*disk, 1);
  overwrite(*disk, segment_path(1), frames[1].offset, std::string(4096, '\0'));
  must(disk->flip_bit(segment_path(1), frames[0].records[0].location.payload, 0));
  const bool has_index = GENERATE(true, false);
  if (!has_index) delete_index(*disk);
  auto store = machine.open();
  if (has_index) {
    CHECK(get(*store, key_of(3)) == content(3));
  } else {
    CHECK_FALSE(get(*store, key_of(3)));
  }
}

TEST_CASE("a deleted or damaged index is made anew") {
  auto disk = fs::make_fault_fs(3);
  Machine machine(*disk);
  auto check_all = [&] {
    auto store = machine.open();
    for (std::uint64_t i = 0; i < 40; ++i) {
      if (i % 3 == 0) {
        CHECK_FALSE(get(*store, key_of(i)));
      } else {
        CHECK(get(*store, key_of(i)) == bytes_of(i + 1, 60'000));
      }
    }
    CHECK(store->usage().records == 26);
    const Usage usage = store->usage();
    close(*store);
    return usage.live;
  };
  {
    auto store = machine.open();
    for (std::uint64_t i = 0; i < 40; ++i) put(*store, key_of(i), bytes_of(i, 60'000));
    for (std::uint64_t i = 0; i < 40; ++i) put(*store, key_of(i), bytes_of(i + 1, 60'000));
    for (std::uint64_t i = 0; i < 40; i += 3) remove(*store, key_of(i));
    close(*store);
  }
  REQUIRE(segment_numbers(*disk).size() > 3);
  const std::uint64_t live = check_all();
  SECTION("deleted") { delete_index(*disk); }
  SECTION("its CURRENT file is garbage") {
    overwrite(*disk, "/data/index/CURRENT", 0, "garbage\n");
  }
  SECTION("a table is cut short") {
    for (const std::string& name : must(disk->list("/data/index"))) {
      if (name.ends_with(".sst")) cut_file(*disk, "/data/index/" + name, 10);
    }
  }
  SECTION("it belongs to another volume") {
    auto other_disk = fs::make_fault_fs(4);
    Machine other(*other_disk);
    other.rng = make_seeded_rng(99);
    auto store = other.open();
    put(*store, key_of(1), "other");
    close(*store);
    store.reset();
    delete_index(*disk);
    must(disk->make_directories("/data/index"));
    for (const std::string& name : must(other_disk->list("/data/index"))) {
      const std::string path = "/data/index/" + name;
      const std::string bytes = must(fs::read_file(*other_disk, path, 16 << 20));
      must(fs::write_file(*disk, path, as_bytes(bytes)));
    }
  }
  SECTION("it knows more than the segments hold") {
    // The last segment's tombstones are gone, and what they hid is there again: the index of the
    // time before has been given up.
    const std::uint64_t newest = segment_numbers(*disk).back();
    cut_file(*disk, segment_path(newest), 4096);
    auto store = machine.open();
    CHECK(store->usage().records > 26);
    CHECK(list(*store).size() == store->usage().records);
    return;
  }
  CHECK(check_all() == live);
}

TEST_CASE("a segment whose making was interrupted is removed and its number not used again") {
  auto disk = died_disk(IndexKind::rocksdb);
  overwrite(*disk, segment_path(1), 0, read_range(*disk, segment_path(1), 0, 4096));
  fs::OpenOptions create;
  create.access = fs::Access::read_write;
  create.create = true;
  auto file = must(disk->open(segment_path(2), create));
  if (GENERATE(true, false)) must(file->allocate(0, 1 << 20));
  must(file->sync_all());
  file.reset();
  must(disk->sync_directory("/data/segments"));
  Machine machine(*disk);
  auto store = machine.open();
  CHECK(segment_numbers(*disk) == std::vector<std::uint64_t>{1});
  for (std::uint64_t i = 0; i < kRecords; ++i) CHECK(get(*store, key_of(i)) == content(i));
  for (std::uint64_t i = 0; i < 20; ++i) put(*store, key_of(i), bytes_of(i, 100'000));
  const auto numbers = segment_numbers(*disk);
  REQUIRE(numbers.size() > 1);
  CHECK(numbers[1] == 3);
}

TEST_CASE("a segment with a damaged header keeps its records and takes no more") {
  auto disk = died_disk(IndexKind::memory);
  must(disk->flip_bit(segment_path(1), 20, 1));
  Machine machine(*disk);
  machine.index = IndexKind::memory;
  auto store = machine.open();
  for (std::uint64_t i = 0; i < kRecords; ++i) CHECK(get(*store, key_of(i)) == content(i));
  put(*store, key_of(50), "new");
  CHECK(segment_numbers(*disk) == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("versions go on growing after a start") {
  auto disk = fs::make_fault_fs(3);
  Machine machine(*disk);
  machine.index = GENERATE(IndexKind::rocksdb, IndexKind::memory);
  std::uint64_t version = 0;
  for (int life = 0; life < 4; ++life) {
    auto store = machine.open();
    put(*store, key_of(1), "one");
    const auto info = must(run_blocking_for(store->stat(key_of(1))));
    CHECK(info.version > version);
    version = info.version;
    remove(*store, key_of(1));
    if (life % 2 == 0) close(*store);
  }
}

}  // namespace
}  // namespace mas::store::test
