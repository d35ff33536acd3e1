// Bad sectors at every place of a store, at every start: it opens, shows nothing wrong, and takes
// new records.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "fixture.h"
#include "segment_file.h"

namespace mas::store::test {
namespace {

std::string content(std::uint64_t number) { return bytes_of(number, 20'000 + number); }

// Blocks of files that cannot be read.
using BadBlocks = std::set<std::pair<std::string, std::uint64_t>>;

// Until they are written again: then a disk has others in their place.
fs::FaultFs::Hook failing(const BadBlocks& blocks) {
  return [bad = std::make_shared<BadBlocks>(blocks)](const fs::FsCall& call) -> Result<void> {
    const bool is_change = call.op == fs::FsOp::write || call.op == fs::FsOp::remove;
    if (call.op != fs::FsOp::read && !is_change) return {};
    for (const auto& block : *bad) {
      const std::uint64_t from = block.second * kBlockSize;
      const bool is_hit = call.path == block.first && call.offset < from + kBlockSize &&
                          call.offset + std::max<std::uint64_t>(call.length, 1) > from;
      if (!is_hit) continue;
      if (!is_change) return Error(Code::io, "bad sector");
      bad->erase(block);
      break;
    }
    return {};
  };
}

// Where each record lies: all blocks that are needed to find and to read it.
std::map<RecordKey, BadBlocks> blocks_of_records(fs::Fs& fs) {
  std::map<RecordKey, BadBlocks> blocks;
  for (const std::uint64_t segment : segment_numbers(fs)) {
    for (const WalkedFrame& frame : frames_of(fs, segment)) {
      for (const IndexedRecord& record : frame.records) {
        BadBlocks& of = blocks[record.key];
        of.emplace(segment_path(segment), frame.offset / kBlockSize);
        const Location& at = record.location;
        const std::uint64_t end = at.payload + at.length;
        for (std::uint64_t i = at.payload / kBlockSize; i * kBlockSize < end; ++i) {
          of.emplace(segment_path(segment), i);
        }
      }
    }
  }
  return blocks;
}

bool are_apart(const BadBlocks& a, const BadBlocks& b) {
  return std::none_of(a.begin(), a.end(), [&](const auto& block) { return b.count(block) != 0; });
}

// What was stored before blocks went bad.
struct Shape {
  IndexKind index = IndexKind::rocksdb;
  bool is_closed = false;
  std::uint64_t records = 3;  // each in a frame of its own: 3 in one segment, 8 in two

  void apply(Machine& machine) const {
    machine.index = index;
    machine.options.segment_size = 128 * 1024;
  }
};

std::unique_ptr<fs::FaultFs> make(const Shape& shape) {
  auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  shape.apply(machine);
  const auto store = machine.open();
  for (std::uint64_t i = 0; i < shape.records; ++i) put(*store, key_of(i), content(i));
  if (shape.is_closed) close(*store);
  return disk;
}

// Two starts with these blocks bad, at each of which what does not lie there is read and something
// is written, and one with none bad any more, at which all is there.
void survive(const Shape& shape, const fs::FaultFs& made, const BadBlocks& bad) {
  const std::unique_ptr<fs::FaultFs> disk = made.after_restart();
  const auto where = blocks_of_records(*disk);
  Machine machine(*disk);
  shape.apply(machine);
  disk->set_hook(failing(bad));
  for (std::uint64_t life = 0; life < 2; ++life) {
    Result<std::unique_ptr<Store>> opened = machine.try_open();
    INFO((opened.has_error() ? opened.error().message() : std::string("opened")));
    REQUIRE(opened.has_value());
    Store& store = **opened;
    for (std::uint64_t i = 0; i < shape.records; ++i) {
      const auto now = get(store, key_of(i));
      if (now || are_apart(where.at(key_of(i)), bad)) CHECK(now == content(i));
    }
    (void)must(run_blocking_for(store.scrub(std::nullopt, 1 << 30)));
    put(store, key_of(100 + life), content(100 + life));
    for (std::uint64_t i = 0; i <= life; ++i) {
      CHECK(get(store, key_of(100 + i)) == content(100 + i));
    }
    if (shape.is_closed) close(store);
  }
  disk->set_hook(nullptr);
  const auto store = machine.open();
  for (std::uint64_t i = 0; i < shape.records; ++i) CHECK(get(*store, key_of(i)) == content(i));
  for (std::uint64_t i = 100; i < 102; ++i) CHECK(get(*store, key_of(i)) == content(i));
}

TEST_CASE("the store opens whichever blocks of its segments cannot be read") {
  Shape shape;
  shape.index = GENERATE(IndexKind::memory, IndexKind::rocksdb);
  shape.is_closed = GENERATE(false, true);
  shape.records = GENERATE(3, 8);
  const std::unique_ptr<fs::FaultFs> made = make(shape);
  BadBlocks headers;
  BadBlocks used;
  for (const std::uint64_t segment : segment_numbers(*made)) {
    headers.emplace(segment_path(segment), 0);
    used.emplace(segment_path(segment), 0);
    for (const WalkedFrame& frame : frames_of(*made, segment)) {
      for (std::uint64_t i = 0; i <= frame.length / kBlockSize; ++i) {
        used.emplace(segment_path(segment), frame.offset / kBlockSize + i);
      }
    }
  }
  REQUIRE(headers.size() == (shape.records == 3 ? 1 : 2));
  for (const auto& block : used) {
    for (const bool also_headers : {false, true}) {
      INFO(block.first << " block " << block.second << (also_headers ? " and all headers" : ""));
      BadBlocks bad{block};
      if (also_headers) bad.insert(headers.begin(), headers.end());
      survive(shape, *made, bad);
    }
  }
}

// What a cache gave, or the disk gave a moment ago, it may not give again.
TEST_CASE("the store opens whichever of a start's reads of its segments fails") {
  Shape shape;
  shape.index = GENERATE(IndexKind::memory, IndexKind::rocksdb);
  shape.records = GENERATE(3, 8);
  const bool is_lasting = GENERATE(false, true);
  const std::unique_ptr<fs::FaultFs> made = make(shape);
  std::optional<std::pair<std::string, std::uint64_t>> bad{{"", 0}};
  for (std::uint64_t which = 0; bad; ++which) {
    INFO("read " << which << (is_lasting ? ", and of that block all that follow" : ""));
    const std::unique_ptr<fs::FaultFs> disk = made->after_restart();
    Machine machine(*disk);
    shape.apply(machine);
    std::uint64_t reads = 0;
    bad.reset();
    disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
      if (call.op != fs::FsOp::read || !call.path.ends_with(".seg")) return {};
      const std::pair<std::string, std::uint64_t> block(call.path, call.offset / kBlockSize);
      if (is_lasting && bad == block) return Error(Code::io, "bad sector");
      if (reads++ != which) return {};
      bad = block;
      return Error(Code::io, "bad sector");
    });
    auto store = machine.open();
    disk->set_hook(nullptr);
    put(*store, key_of(100), content(100));
    store.reset();
    store = machine.open();
    for (std::uint64_t i = 0; i < shape.records; ++i) CHECK(get(*store, key_of(i)) == content(i));
    CHECK(get(*store, key_of(100)) == content(100));
  }
}

// So many that RocksDB does not read all of the index when it opens it.
constexpr std::uint64_t kMany = 5000;
std::string small_content(std::uint64_t number) { return bytes_of(number, 100); }

// One life that may fail where it meets a bad block of the index, but shows nothing wrong. Whether
// all was as it should.
bool live(Machine& machine, std::uint64_t life) {
  auto opened = machine.try_open();
  if (opened.has_error()) return false;
  const std::unique_ptr<Store> store = *std::move(opened);
  bool is_well = true;
  const auto check_all = [&] {
    for (std::uint64_t i = 0; i < kMany; i += 50) {
      const auto now = try_get(*store, key_of(i));
      if (now.has_value()) CHECK(as_text(now->view()) == small_content(i));
      if (now.has_error()) CHECK(now.error().code() == Code::io);
      is_well = is_well && now.has_value();
    }
  };
  check_all();
  is_well = run_blocking_for(store->scrub(std::nullopt, 1 << 30)).has_value() && is_well;
  for (std::uint64_t i = 0; i < kMany; i += 250) {
    is_well = try_put(*store, key_of(i), small_content(i)).has_value() && is_well;
  }
  check_all();
  is_well = try_put(*store, key_of(kMany + life), "new").has_value() && is_well;
  return run_blocking_for(store->close()).has_value() && is_well;
}

TEST_CASE("a block of the index that cannot be read costs one life at most") {
  auto made = fs::make_fault_fs(5);
  BadBlocks blocks;
  {
    Machine machine(*made);
    machine.options.index_cache = 64 << 20;
    auto store = machine.open();
    Puts puts;
    for (std::uint64_t i = 0; i < kMany; ++i) {
      puts.emplace_back(key_of(i), small_content(i));
      if (puts.size() < 500) continue;
      REQUIRE(put_together(machine, *store, puts) == 0);
      puts.clear();
    }
    close(*store);
    store.reset();
    for (const std::string& name : must(made->list("/data/index"))) {
      const std::string path = "/data/index/" + name;
      const std::uint64_t size = must(must(made->open(path, {}))->size());
      const std::uint64_t last = (size - 1) / kBlockSize;
      for (const std::uint64_t i : {std::uint64_t{0}, last / 3, last}) blocks.emplace(path, i);
    }
  }
  REQUIRE(blocks.size() > 5);
  for (const auto& block : blocks) {
    INFO(block.first << " block " << block.second);
    const std::unique_ptr<fs::FaultFs> disk = made->after_restart();
    Machine machine(*disk);
    machine.options.index_cache = 64 << 20;
    const auto bad = failing({block});
    bool is_replaced = false;
    disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
      // CURRENT is replaced by renaming.
      const bool is_current = block.first.ends_with("/CURRENT");
      is_replaced = is_replaced || (call.op == fs::FsOp::rename && is_current);
      return is_replaced ? Result<void>() : bad(call);
    });
    int failed = 0;
    for (std::uint64_t life = 0; life < 3; ++life) failed += live(machine, life) ? 0 : 1;
    CHECK(failed <= 1);
    disk->set_hook(nullptr);
  }
}

}  // namespace
}  // namespace mas::store::test
