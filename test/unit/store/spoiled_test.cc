// A store whose files were cut short, or that has no room: it opens, and shows nothing wrong.
#include <catch2/catch.hpp>

#include "fixture.h"
#include "segment_file.h"

namespace mas::store::test {
namespace {

constexpr std::uint64_t kRecords = 12;  // in two segments
std::string content(std::uint64_t number) { return bytes_of(number, 20'000 + number); }

void set_up(Machine& machine, IndexKind index) {
  machine.index = index;
  machine.options.segment_size = 128 * 1024;
}

std::unique_ptr<fs::FaultFs> make(IndexKind index, bool is_closed) {
  auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  set_up(machine, index);
  const auto store = machine.open();
  for (std::uint64_t i = 0; i < kRecords; ++i) put(*store, key_of(i), content(i));
  if (is_closed) close(*store);
  return disk;
}

TEST_CASE("a start without room loses nothing, and takes records when there is room") {
  const IndexKind index = GENERATE(IndexKind::rocksdb, IndexKind::memory);
  const bool is_closed = GENERATE(true, false);
  const auto made = make(index, is_closed);
  for (std::uint64_t room = 0; room < 100'000; room += 8192) {
    INFO("room for " << room);
    const std::unique_ptr<fs::FaultFs> disk = made->after_restart();
    const fs::Space space = must(disk->space("/data"));
    disk->set_capacity(space.total - space.free + room);
    Machine machine(*disk);
    set_up(machine, index);
    for (int life = 0; life < 2; ++life) {
      const auto store = machine.open();
      for (std::uint64_t i = 0; i < kRecords; ++i) CHECK(get(*store, key_of(i)) == content(i));
      const auto done = try_put(*store, key_of(50), content(50));
      if (done.has_error()) CHECK(done.error().code() == Code::disk_full);
    }
    disk->set_capacity(std::uint64_t{1} << 40U);
    const auto store = machine.open();
    for (std::uint64_t i = 0; i < kRecords; ++i) CHECK(get(*store, key_of(i)) == content(i));
    put(*store, key_of(60), content(60));
    CHECK(get(*store, key_of(60)) == content(60));
  }
}

TEST_CASE("what lay in the end of a segment that was cut off is not held, and nothing is wrong") {
  const IndexKind index = GENERATE(IndexKind::rocksdb, IndexKind::memory);
  const bool is_closed = GENERATE(true, false);
  const std::uint64_t segment = GENERATE(1, 2);
  const std::uint64_t size = GENERATE(0, 100, 4096, 30'000, 65'536);
  INFO("segment " << segment << " cut to " << size);
  const auto disk = make(index, is_closed);
  REQUIRE(segment_numbers(*disk).size() == 2);
  cut_file(*disk, segment_path(segment), size);
  Machine machine(*disk);
  set_up(machine, index);
  for (std::uint64_t life = 0; life < 2; ++life) {
    const auto store = machine.open();
    (void)must(run_blocking_for(store->scrub(std::nullopt, 1 << 30)));
    std::size_t held = 0;
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      const auto now = get(*store, key_of(i));
      if (now) CHECK(*now == content(i));
      held += now ? 1 : 0;
    }
    CHECK(held < kRecords);
    CHECK(held > 0);
    put(*store, key_of(30 + life), content(30));
    CHECK(get(*store, key_of(30 + life)) == content(30));
  }
}

}  // namespace
}  // namespace mas::store::test
