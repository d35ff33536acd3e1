// `mas check`, scrub and quarantine: finding what went bad at rest.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "fixture.h"
#include "mas/store/directories.h"
#include "segment_file.h"

namespace mas::store::test {
namespace {

std::string content(std::uint64_t number) { return bytes_of(number, 20'000 + number); }

CheckReport check_now(fs::Fs& fs, const std::vector<std::string>& directories = {"/data"}) {
  return must(check(fs, directories, nullptr));
}

CheckedStore check_and_list_now(fs::Fs& fs,
                                const std::vector<std::string>& directories = {"/data"}) {
  return must(check_and_list(fs, directories, nullptr));
}

ScrubStep scrub_all(Store& store) {
  return must(run_blocking_for(store.scrub(std::nullopt, 1 << 30)));
}

struct Rig {
  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(5);
  Machine machine{*disk};

  // Ten records over two segments, cleanly stopped.
  Rig() {
    machine.options.segment_size = 128 * 1024;
    auto store = machine.open();
    for (std::uint64_t i = 0; i < 10; ++i) put(*store, key_of(i), content(i));
    close(*store);
  }
  void flip(std::uint64_t segment, std::uint64_t offset) {
    must(disk->flip_bit(segment_path(segment), offset, 2));
  }
};

TEST_CASE("check finds nothing wrong with a whole store, and changes nothing") {
  Rig rig;
  std::uint64_t calls = 0;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  const std::uint64_t before = rig.disk->mutations();
  const CheckReport report =
      must(check(*rig.disk, {"/data"}, [&](std::uint64_t now, std::uint64_t all) {
        ++calls;
        done = now;
        total = all;
      }));
  CHECK(rig.disk->mutations() == before);
  CHECK(report.problems.empty());
  CHECK(report.notes.empty());
  CHECK(report.segments == 2);
  CHECK(report.records == 10);
  CHECK(report.frames == 11);
  CHECK(report.bytes == 200'045);
  CHECK(calls == 2);
  CHECK(done == total);
  CHECK(total > 200'000);
}

TEST_CASE("check names the record, the file and the place of a flipped bit") {
  Rig rig;
  const auto frames = frames_of(*rig.disk, 1);
  const Location payload = frames[2].records[0].location;
  SECTION("in a payload") {
    rig.flip(1, payload.payload + 100);
    const CheckReport report = check_now(*rig.disk);
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].find(segment_file_name(1)) != std::string::npos);
    CHECK(report.problems[0].find(std::to_string(payload.payload)) != std::string::npos);
    CHECK(report.problems[0].find(key_of(2).extent().hex()) != std::string::npos);
  }
  SECTION("in a record header") {
    rig.flip(1, payload.header + 3);
    CHECK(check_now(*rig.disk).problems.size() == 1);
  }
  SECTION("in a frame header") {
    rig.flip(1, frames[2].offset + 3);
    CHECK(check_now(*rig.disk).problems.size() == 1);
  }
  SECTION("in a segment header") {
    rig.flip(1, 3);
    CHECK(check_now(*rig.disk).problems.size() == 1);
  }
  SECTION("in the last frame with records") {
    const auto last = frames_of(*rig.disk, 2);
    rig.flip(2, last[last.size() - 2].records[0].location.payload);
    CHECK(check_now(*rig.disk).problems.size() == 1);
  }
  SECTION("in padding, where it matters to nobody") {
    rig.flip(1, frames[2].offset + frames[2].length - 1);
    CHECK(check_now(*rig.disk).problems.empty());
  }
}

TEST_CASE("check reports frames and segments that are missing") {
  Rig rig;
  SECTION("the end of a segment that is not the newest") {
    cut_file(*rig.disk, segment_path(1), frames_of(*rig.disk, 1).back().offset);
  }
  SECTION("the newest segment") { must(rig.disk->remove(segment_path(2))); }
  CHECK(check_now(*rig.disk).problems.size() == 1);
}

TEST_CASE("check takes no offence at the gaps that compaction leaves") {
  Rig rig;
  {
    auto store = rig.machine.open();
    for (std::uint64_t i = 10; i < 22; ++i) put(*store, key_of(i), content(i));
    for (std::uint64_t i = 5; i < 16; ++i) remove(*store, key_of(i));
    while (must(run_blocking_for(store->compact_one()))) {
    }
    close(*store);
  }
  const auto numbers = segment_numbers(*rig.disk);
  REQUIRE(numbers.front() == 1);
  REQUIRE(numbers[1] > 2);
  CHECK(check_now(*rig.disk).problems.empty());
  if (GENERATE(true, false)) delete_index(*rig.disk);
  auto store = rig.machine.open();
  CHECK(store->usage().quarantined == 0);
}

TEST_CASE("check only notes what the next start puts right") {
  Rig rig;
  {
    auto store = rig.machine.open();
    put(*store, key_of(50), content(50));
    // Dies without a stop.
  }
  CHECK(check_now(*rig.disk).notes.empty());
  const WalkedFrame last = frames_of(*rig.disk, 2).back();
  SECTION("a last frame that did not land whole") { rig.flip(2, last.records[0].location.payload); }
  SECTION("remains of a frame") {
    overwrite(*rig.disk, segment_path(2), last.offset + last.length, "begun");
  }
  SECTION("a segment in the making") {
    fs::OpenOptions create;
    create.access = fs::Access::read_write;
    create.create = true;
    must(must(rig.disk->open(segment_path(3), create))->allocate(0, 128 * 1024));
  }
  SECTION("an index that cannot be read") {
    overwrite(*rig.disk, "/data/index/CURRENT", 0, "garbage\n");
  }
  const CheckReport report = check_now(*rig.disk);
  CHECK(report.problems.empty());
  CHECK(report.notes.size() == 1);
  close(*rig.machine.open());
  CHECK(check_now(*rig.disk).notes.empty());
}

TEST_CASE("check calls a damaged record that was replaced or removed no problem") {
  Rig rig;
  {
    auto store = rig.machine.open();
    put(*store, key_of(2), "newer");
    remove(*store, key_of(3));
    close(*store);
  }
  const auto frames = frames_of(*rig.disk, 1);
  rig.flip(1, frames[2].records[0].location.payload);
  rig.flip(1, frames[3].records[0].location.payload);
  const CheckReport report = check_now(*rig.disk);
  CHECK(report.problems.empty());
  CHECK(report.notes.size() == 2);
}

TEST_CASE("check says when there is no store") {
  auto disk = fs::make_fault_fs(1);
  must(disk->make_directories("/data"));
  const auto report = check(*disk, {"/data"}, nullptr);
  REQUIRE(report.has_error());
  CHECK(report.error().code() == Code::not_found);
  CHECK(report.error().message().find("/data") != std::string::npos);
  CHECK_FALSE(must(disk->exists("/data/lock")));
}

TEST_CASE("check goes on where the disk does not give something, and says what") {
  Rig rig;
  const auto frames = frames_of(*rig.disk, 1);
  const std::uint64_t bad = GENERATE_COPY(std::uint64_t{0}, frames[2].offset,
                                          frames[2].records[0].location.payload + kBlockSize);
  const std::uint64_t block = bad / kBlockSize * kBlockSize;
  rig.disk->set_hook([=](const fs::FsCall& call) -> Result<void> {
    const bool is_hit = call.op == fs::FsOp::read && call.path == segment_path(1) &&
                        call.offset <= block && call.offset + call.length > block;
    if (is_hit) return Error(Code::io, "bad sector");
    return {};
  });
  const CheckedStore report = check_and_list_now(*rig.disk);
  REQUIRE_FALSE(report.report.problems.empty());
  CHECK(report.report.problems[0].find(segment_path(1)) == 0);
  CHECK(report.report.records >= 9);
  std::size_t sound = 0;
  for (const CheckedRecord& record : report.inventory) sound += record.is_sound ? 1 : 0;
  CHECK(sound == (bad == 0 ? 10 : 9));
}

TEST_CASE("check lists what a start would show, the newest of each key") {
  Rig rig;
  rig.machine.directories = {"/data", "/more"};
  {
    auto store = rig.machine.open();
    for (std::uint64_t i = 20; i < 60; ++i) put(*store, key_of(i), content(i));
    remove(*store, key_of(3));
    put(*store, key_of(4), "newer");
    close(*store);
  }
  const auto all = frames_of(*rig.disk, 1);
  rig.flip(1, all[4].records[0].location.payload + 10);  // replaced meanwhile
  rig.flip(1, all[2].records[0].location.payload + 10);
  const auto report = check_and_list_now(*rig.disk, rig.machine.directories);
  std::vector<RecordKey> keys;
  for (const CheckedRecord& record : report.inventory) {
    keys.push_back(record.key);
    CHECK_FALSE(record.is_twice);
    CHECK(record.is_sound == !(record.key == key_of(2)));
  }
  CHECK(report.report.problems.size() == 1);
  auto store = rig.machine.open();
  std::vector<RecordKey> shown;
  for (const RecordInfo& record : list(*store)) shown.push_back(record.key);
  CHECK(keys == shown);
}

TEST_CASE("check finds a record that is live in two directories, and the newest of them counts") {
  auto disk = fs::make_fault_fs(2);
  Machine machine(*disk);
  machine.directories = {"/a", "/b"};
  {
    auto store = machine.open();
    for (std::uint64_t i = 0; i < 20; ++i) put(*store, key_of(i), content(i));
    // The disk of /a takes no more writes: what is put again goes to /b.
    disk->set_hook([](const fs::FsCall& call) -> Result<void> {
      const bool is_a = call.path.starts_with("/a/") && call.path.ends_with(".seg");
      if (is_a && call.op == fs::FsOp::write) return Error(Code::io, "injected");
      return {};
    });
    std::size_t failed = 0;
    for (std::uint64_t i = 0; i < 20; ++i) {
      failed += try_put(*store, key_of(i), "newer").has_error() ? 1 : 0;
    }
    REQUIRE(failed <= 1);
  }
  disk->set_hook(nullptr);
  const auto report = check_and_list_now(*disk, {"/a", "/b"});
  std::size_t twice = 0;
  for (const CheckedRecord& record : report.inventory) twice += record.is_twice ? 1 : 0;
  CHECK(report.inventory.size() == 20);
  CHECK(twice > 2);
  CHECK(twice < 18);
}

TEST_CASE("check says which directories of the pod are missing, empty or not named") {
  auto disk = fs::make_fault_fs(2);
  Machine machine(*disk);
  machine.directories = {"/a", "/b"};
  {
    auto store = machine.open();
    for (std::uint64_t i = 0; i < 20; ++i) put(*store, key_of(i), content(i));
    close(*store);
  }
  CHECK(check_now(*disk, {"/a", "/b"}).problems.empty());
  const auto one = check_and_list_now(*disk, {"/a"});
  REQUIRE(one.report.problems.size() == 1);
  CHECK(one.report.problems[0].find("/b: ") == 0);
  CHECK(one.inventory.size() < 20);
  must(disk->rename("/b", "/elsewhere"));
  CHECK(check_now(*disk, {"/a", "/b"}).problems.size() == 2);
  CHECK(check_now(*disk, {"/a", "/elsewhere"}).problems.empty());
}

TEST_CASE("scrub finds exactly the damaged records and quarantines them") {
  Rig rig;
  const auto frames = frames_of(*rig.disk, 1);
  rig.flip(1, frames[2].records[0].location.payload + 100);
  rig.flip(1, frames[4].records[0].location.header + 40);
  {
    auto store = rig.machine.open();
    const ScrubStep step = scrub_all(*store);
    CHECK(step.records == 10);
    CHECK(step.damaged == std::vector<RecordKey>{key_of(2), key_of(4)});
    CHECK_FALSE(step.next);
    CHECK(store->usage().quarantined == 2);
    CHECK_FALSE(get(*store, key_of(2)));
    CHECK_FALSE(get(*store, key_of(4)));
    CHECK(scrub_all(*store).damaged.empty());
    put(*store, key_of(2), "repaired");
    close(*store);
  }
  delete_index(*rig.disk);
  auto store = rig.machine.open();
  CHECK(get(*store, key_of(2)) == "repaired");
  CHECK_FALSE(get(*store, key_of(4)));
  CHECK(get(*store, key_of(3)) == content(3));
}

TEST_CASE("scrub goes on where it was, and over more than one page of the index") {
  auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  machine.options.frame_bytes = 1 << 20;
  auto store = machine.open();
  Puts puts;
  for (std::uint64_t i = 0; i < 700; ++i) puts.emplace_back(key_of(i), bytes_of(i, 500));
  REQUIRE(put_together(machine, *store, puts) == 0);
  std::uint64_t records = 0;
  int steps = 0;
  std::optional<RecordKey> from;
  do {
    const ScrubStep step = must(run_blocking_for(store->scrub(from, 60'000)));
    CHECK(step.bytes <= 60'500);
    records += step.records;
    from = step.next;
    ++steps;
  } while (from && steps < 100);
  CHECK(records == 700);
  CHECK(steps == 6);
}

// Compaction takes the file's name away first and forgets the segment after the directory is
// synced; a scrub that listed the records before must not take that for their loss.
TEST_CASE("scrub calls nothing damaged that compaction is moving") {
  auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  machine.options.segment_size = 512 * 1024;
  auto store = machine.open();
  for (std::uint64_t i = 0; i < 30; ++i) put(*store, key_of(i), content(i));
  for (std::uint64_t i = 1; i < 21; ++i) remove(*store, key_of(i));
  const std::string first = segment_path(1);
  Event removed;
  Event scrubbed;
  std::atomic<bool> scrub_opens{true};
  std::atomic<bool> is_removed{false};
  bool compacted = false;
  std::thread compaction;
  disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::open && call.path == first && scrub_opens.exchange(false)) {
      compaction = std::thread([&] {
        compacted = must(run_blocking_for(store->compact_one()));
        removed.set();
      });
      run_blocking(removed.wait());
    } else if (call.op == fs::FsOp::remove && call.path == first) {
      is_removed = true;
    } else if (call.op == fs::FsOp::sync_directory && is_removed.exchange(false)) {
      removed.set();
      run_blocking(scrubbed.wait());
    }
    return {};
  });
  const ScrubStep step = scrub_all(*store);
  scrubbed.set();
  compaction.join();
  disk->set_hook(nullptr);
  CHECK(compacted);
  CHECK(step.damaged.empty());
  CHECK(store->usage().quarantined == 0);
  CHECK(get(*store, key_of(0)) == content(0));
  CHECK(get(*store, key_of(21)) == content(21));
}

TEST_CASE("quarantine forgets the version it is told of, and no other") {
  Rig rig;
  auto store = rig.machine.open();
  const auto old_info = must(run_blocking_for(store->stat(key_of(1))));
  put(*store, key_of(1), "newer");
  must(run_blocking_for(store->quarantine(key_of(1), old_info.version)));
  CHECK(get(*store, key_of(1)) == "newer");
  CHECK(store->usage().quarantined == 0);
  const auto info = must(run_blocking_for(store->stat(key_of(1))));
  must(run_blocking_for(store->quarantine(key_of(1), info.version)));
  CHECK_FALSE(get(*store, key_of(1)));
  CHECK(store->usage().quarantined == 1);
}

}  // namespace
}  // namespace mas::store::test
