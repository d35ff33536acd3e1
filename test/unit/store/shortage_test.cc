// A process without file descriptors: what needs another file is refused, nothing is taken for
// damaged, and all goes on when there are some again.
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <thread>

#include "fixture.h"
#include "mas/core/error.h"
#include "mas/store/directories.h"

namespace mas::store::test {
namespace {

std::string content(std::uint64_t number) { return bytes_of(number, 20'000); }

// While it lives nothing can be opened whose path has `part` in it.
class Shortage {
 public:
  Shortage(fs::FaultFs& fs, std::string part, int cause) : fs_(fs) {
    fs_.set_hook([part = std::move(part), cause](const fs::FsCall& call) -> Result<void> {
      const bool opens = call.op == fs::FsOp::open || call.op == fs::FsOp::sync_directory;
      if (!opens || call.path.find(part) == std::string::npos) return {};
      return error_from_errno(cause, "open");
    });
  }
  ~Shortage() { fs_.set_hook({}); }
  Shortage(const Shortage&) = delete;
  Shortage& operator=(const Shortage&) = delete;

 private:
  fs::FaultFs& fs_;
};

void set_up(Machine& machine, IndexKind index) {
  machine.index = index;
  machine.options.segment_size = 128 * 1024;
  machine.options.index_cache = 1 << 20;
}

// Puts until one is refused; how many were not.
std::uint64_t put_until_refused(Store& store, std::uint64_t from) {
  for (std::uint64_t i = from; i < from + 100; ++i) {
    const Result<void> done = try_put(store, key_of(i), content(i));
    if (done.has_value()) continue;
    CHECK(done.error().code() == Code::busy);
    CHECK_FALSE(done.error().maybe_happened());
    return i;
  }
  FAIL("nothing was refused");
  return 0;
}

// RocksDB looks every few seconds whether there is room.
void put_when_possible(Store& store, const RecordKey& key, const std::string& text) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  Result<void> done = try_put(store, key, text);
  while (done.has_error() && std::chrono::steady_clock::now() < give_up) {
    const Code code = done.error().code();
    CHECK((code == Code::busy || code == Code::disk_full));
    std::this_thread::yield();
    done = try_put(store, key, text);
  }
  must(std::move(done));
}

TEST_CASE("want of descriptors is refused, and is over when there are some") {
  const IndexKind index = GENERATE(IndexKind::rocksdb, IndexKind::memory);
  const int cause = GENERATE(EMFILE, ENFILE, ENOMEM);
  const std::string where = GENERATE("/data/segments", "/data/index", "/data");
  if (index == IndexKind::memory && where == "/data/index") return;  // it has none
  INFO(cause << " at " << where);
  const auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  set_up(machine, index);
  auto store = machine.open();
  std::uint64_t count = 3;
  for (std::uint64_t i = 0; i < count; ++i) put(*store, key_of(i), content(i));
  for (int time = 0; time < 2; ++time) {
    {
      const Shortage shortage(*disk, where, cause);
      count = put_until_refused(*store, count);
      CHECK(try_put(*store, key_of(count), content(count)).error().code() == Code::busy);
      CHECK(store->usage().writable);
    }
    put_when_possible(*store, key_of(count), content(count));
    ++count;
    for (std::uint64_t i = 0; i < count; ++i) CHECK(get(*store, key_of(i)) == content(i));
  }
  close(*store);
  store.reset();
  store = machine.open();
  for (std::uint64_t i = 0; i < count; ++i) CHECK(get(*store, key_of(i)) == content(i));
  CHECK(list(*store).size() == count);
}

TEST_CASE("want of room for the index is refused, and is over when there is some") {
  const auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  set_up(machine, IndexKind::rocksdb);
  auto store = machine.open();
  std::uint64_t count = 0;
  for (int time = 0; time < 2; ++time) {
    disk->set_hook([](const fs::FsCall& call) -> Result<void> {
      const bool is_table = call.path.find(".sst") != std::string::npos;
      if (!is_table || call.op != fs::FsOp::write) return {};
      return error_from_errno(ENOSPC, "write");
    });
    Result<void> done;
    for (int i = 0; i < 100 && done.has_value(); ++i) {
      done = try_put(*store, key_of(count), content(count));
      if (done.has_value()) ++count;
    }
    REQUIRE(done.has_error());
    CHECK(done.error().code() == Code::disk_full);
    CHECK(store->usage().writable);
    for (std::uint64_t i = 0; i < count; ++i) CHECK(get(*store, key_of(i)) == content(i));
    disk->set_hook({});
    put_when_possible(*store, key_of(count), content(count));
    ++count;
  }
  close(*store);
  store.reset();
  CHECK_FALSE(must(disk->exists("/data/index/damaged")));
  store = machine.open();
  for (std::uint64_t i = 0; i < count; ++i) CHECK(get(*store, key_of(i)) == content(i));
}

TEST_CASE("a stop without descriptors or room ends, and loses nothing") {
  const int cause = GENERATE(EMFILE, ENOSPC);
  const auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  set_up(machine, IndexKind::rocksdb);
  std::uint64_t count = 0;
  {
    const auto store = machine.open();
    const Shortage shortage(*disk, cause == ENOSPC ? ".sst" : "/data", cause);
    while (count < 100 && try_put(*store, key_of(count), content(count)).has_value()) ++count;
    REQUIRE(count < 100);
    (void)run_blocking_for(store->close());
  }
  const auto store = machine.open();
  for (std::uint64_t i = 0; i < count; ++i) CHECK(get(*store, key_of(i)) == content(i));
}

TEST_CASE("nothing is taken for damaged that could not be opened") {
  const auto disk = fs::make_fault_fs(5);
  Machine machine(*disk);
  set_up(machine, IndexKind::rocksdb);
  constexpr std::uint64_t kCount = 30;
  {
    const auto store = machine.open();
    for (std::uint64_t i = 0; i < kCount; ++i) put(*store, key_of(i), content(i));
    close(*store);
  }
  const auto store = machine.open();
  {
    const Shortage shortage(*disk, "/data", EMFILE);
    for (std::uint64_t i = 0; i < kCount; ++i) {
      const Result<Slice> got = try_get(*store, key_of(i));
      if (got.has_error()) CHECK(got.error().code() == Code::busy);
    }
    const auto step = run_blocking_for(store->scrub(std::nullopt, 1 << 20));
    if (step.has_value()) CHECK(step->damaged.empty());
    CHECK(absent_directories(*store).empty());
  }
  for (std::uint64_t i = 0; i < kCount; ++i) CHECK(get(*store, key_of(i)) == content(i));
  CHECK(store->usage().quarantined == 0);
  CHECK_FALSE(must(disk->exists("/data/index/damaged")));
}

TEST_CASE("a start without descriptors fails, and the next one finds all") {
  const auto made = fs::make_fault_fs(5);
  constexpr std::uint64_t kCount = 30;
  {
    Machine machine(*made);
    set_up(machine, IndexKind::rocksdb);
    const auto store = machine.open();
    for (std::uint64_t i = 0; i < kCount; ++i) put(*store, key_of(i), content(i));
    if (GENERATE(true, false)) close(*store);
  }
  bool had_enough = false;
  for (int opens = 0; opens < 300 && !had_enough; ++opens) {
    const std::unique_ptr<fs::FaultFs> disk = made->after_restart();
    Machine machine(*disk);
    set_up(machine, IndexKind::rocksdb);
    std::atomic<int> left{opens};
    disk->set_hook([&left](const fs::FsCall& call) -> Result<void> {
      if (call.op != fs::FsOp::open || left-- > 0) return {};
      return error_from_errno(EMFILE, "open");
    });
    Result<std::unique_ptr<Store>> store = machine.try_open();
    had_enough = left >= 0;
    disk->set_hook({});
    if (store.has_error()) {
      CHECK(store.error().code() == Code::busy);
      store = machine.try_open();
    }
    INFO("after " << opens);
    REQUIRE(store.has_value());
    CHECK((*store)->usage().quarantined == 0);
    CHECK(list(**store).size() == kCount);
  }
  CHECK(had_enough);
}

}  // namespace
}  // namespace mas::store::test
