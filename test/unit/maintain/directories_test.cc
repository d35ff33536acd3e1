// Collection on a pod of two data directories, of which one is away for a while: what is removed
// meanwhile does not come back with it. Over a real store, with restarts.
#include "mas/store/directories.h"

#include "mas/fs/fault_fs.h"
#include "rig.h"
#include "support/inline_pool.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

constexpr std::size_t kExtents = 12;

struct Fixture : MaintainRig {
  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(3);
  std::unique_ptr<fs::FaultFs> kept = fs::make_fault_fs(4);
  InlinePool inline_pool;
  std::unique_ptr<Pool> threads = make_thread_pool("disk", 2, 1'000);
  std::unique_ptr<store::Store> on_disk;
  std::unique_ptr<maintain::Worker> worker;
  std::vector<meta::Extent> extents;

  Fixture() {
    start();
    for (std::size_t i = 0; i < kExtents; ++i) {
      extents.push_back(extent());
      put_record(RecordKey::shard(extents.back().id, 0, 0));
    }
  }
  ~Fixture() { on_disk.reset(); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  void start() {
    worker.reset();
    on_disk.reset();
    config::Store settings;
    settings.segment_size = 1 << 20;
    settings.index_cache = 4 << 20;
    const store::Dependencies store_deps{*disk, *threads, clock, *rng, metrics};
    on_disk = must(store::open(settings, store::Directories{{"/a", "/b"}}, store_deps));
    worker =
        maintain::make_collect_worker(options, {*meta, *on_disk, view, clock, metrics}, nullptr,
                                      maintain::MarksFile{*kept, "/marks", inline_pool});
  }
  // From now on nothing below /b can be read or written.
  void take_away() {
    disk->set_hook([](const fs::FsCall& call) -> Result<void> {
      if (call.path.starts_with("/b")) return Error(Code::io, "no disk");
      return {};
    });
  }
  // From now on nothing is made durable below /b.
  void stop_writing() {
    disk->set_hook([](const fs::FsCall& call) -> Result<void> {
      const bool is_its = call.path.starts_with("/b") && call.path.ends_with(".seg");
      if (is_its && call.op == fs::FsOp::sync) return Error(Code::io, "no sync");
      return {};
    });
  }
  void give_back() { disk->set_hook(nullptr); }
  void put_record(const RecordKey& key) {
    must(run_blocking_for(on_disk->put(key, {Slice::copy_of(as_bytes("bytes"))})));
  }
  std::size_t held() { return get(on_disk->list(std::nullopt, 1'000)).size(); }
  std::size_t listed() { return get(meta->freed(0, 1'000)).size(); }
  void free_all() {
    must(run_blocking_for(meta->free(extents, now())));
    must(step(*worker));
    clock.advance(hours(25));
  }
  // Steps until the worker wants to rest.
  void collect() {
    for (int i = 0; i < 100; ++i) {
      if (must(step(*worker)) > Duration(0)) return;
    }
    FAIL("the worker never rests");
  }
};

}  // namespace

TEST_CASE("what is removed while a directory is away is removed from it when it is back") {
  Fixture f;
  f.take_away();
  f.start();
  const std::size_t reached = f.held();
  REQUIRE(reached > 0);
  REQUIRE(reached < kExtents);
  f.free_all();
  f.collect();
  // Room is given back where it can be, and the list keeps the rest, whatever restarts.
  CHECK(f.held() == 0);
  CHECK(f.listed() == kExtents);
  f.start();
  f.collect();
  CHECK(f.listed() == kExtents);

  f.give_back();
  f.start();
  CHECK(f.held() == kExtents - reached);
  f.collect();
  CHECK(f.held() == 0);
  CHECK(f.listed() == 0);
  f.start();
  CHECK(f.held() == 0);
}

TEST_CASE("a disk that goes and comes back while the pod runs is collected from again") {
  Fixture f;
  const bool is_seen_away = GENERATE(true, false);
  std::vector<RecordKey> keys;
  for (const auto& extent : f.extents) keys.push_back(RecordKey::shard(extent.id, 0, 0));
  f.take_away();
  for (const RecordKey& key : keys) (void)run_blocking_for(f.on_disk->read(key, 0, 100));
  REQUIRE_FALSE(store::reach(*f.on_disk).is_whole);
  const std::size_t reached = f.held();
  REQUIRE(reached < kExtents);
  f.free_all();
  if (is_seen_away) {
    f.collect();
    CHECK(f.held() == 0);
    CHECK(f.listed() == kExtents);
  }
  f.give_back();
  f.clock.advance(seconds(2));
  (void)f.held();  // finds it back
  REQUIRE(store::reach(*f.on_disk).is_whole);
  f.collect();
  if (!is_seen_away) f.collect();
  CHECK(f.held() == 0);
  CHECK(f.listed() == 0);
}

TEST_CASE("what a bad sector hides is removed with the rest, and does not come back") {
  Fixture f;
  // Nothing in the cache, and all payloads behind bad sectors; headers are read from the index.
  f.start();
  f.disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    const bool is_payload = call.path.ends_with(".seg") && call.offset > 0;
    if (call.op == fs::FsOp::read && is_payload) return Error(Code::io, "bad sector");
    return {};
  });
  for (const auto& extent : f.extents) {
    const auto key = RecordKey::shard(extent.id, 0, 0);
    (void)run_blocking_for(f.on_disk->read(key, 0, 100));
  }
  CHECK(f.held() < kExtents);
  f.free_all();
  f.collect();
  CHECK(f.listed() == 0);
  f.disk->set_hook(nullptr);
  f.start();
  CHECK(f.held() == 0);
}

TEST_CASE("a deletion is known for as long as a directory that may hold its file is away") {
  Fixture f;
  const meta::Object object = f.put_object();
  const meta::Object deleted = f.condemn(object);
  for (std::uint16_t copy = 0; copy < 20; ++copy) {
    f.put_record(RecordKey::manifest(object.hash, object.generation, copy));
    f.put_record(RecordKey::manifest(object.hash, deleted.generation, copy));
  }
  f.free_all();
  f.take_away();
  f.start();
  for (int i = 0; i < 3; ++i) {
    f.clock.advance(hours(25));
    f.collect();
  }
  CHECK(f.get(f.meta->versions({object.hash})).at(0).generation == deleted.generation);
  f.give_back();
  f.start();
  for (int i = 0; i < 3; ++i) {
    f.clock.advance(hours(25));
    f.collect();
  }
  CHECK(f.get(f.meta->versions({object.hash})).at(0).generation == 0);
  CHECK(f.held() == 0);
  CHECK(f.listed() == 0);
}

TEST_CASE("what is freed of a directory that has stopped writing stays listed until a restart") {
  Fixture f;
  const bool is_early = GENERATE(true, false);
  const std::size_t before = f.held();
  REQUIRE(before == kExtents);
  f.stop_writing();
  // Early: what was never part of a file, which does not wait for the grace.
  must(run_blocking_for(f.meta->free(f.extents, is_early ? 0 : f.now())));
  must(f.step(*f.worker));
  f.clock.advance(is_early ? hours(1) : hours(25));
  f.collect();
  // The first that is tried there stops it, and all that lies elsewhere is freed.
  const store::Usage usage = f.on_disk->usage();
  REQUIRE(usage.stopped.size() == 1);
  const std::size_t left = f.held();
  CHECK(left > 0);
  CHECK(left < kExtents);
  for (const auto& record : f.get(f.on_disk->list(std::nullopt, 1'000))) {
    CHECK(code_of(run_blocking_for(f.on_disk->remove({record.key}))) == Code::ok);
  }
  CHECK(f.held() == left);
  // However much time passes, the list keeps it.
  for (int i = 0; i < 3; ++i) {
    f.clock.advance(hours(25));
    f.collect();
    CHECK(f.listed() == kExtents);
  }
  f.give_back();
  f.start();
  f.collect();
  f.clock.advance(hours(25));
  f.collect();
  CHECK(f.held() == 0);
  CHECK(f.listed() == 0);
  f.start();
  CHECK(f.held() == 0);
}
