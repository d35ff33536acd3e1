#include "mas/meta/embedded.h"

#include <rocksdb/db.h>

#include <atomic>
#include <cerrno>
#include <future>

#include "mas/fs/fault_fs.h"
#include "mas/fs/rocksdb_env.h"
#include "mas/meta/reads_only.h"
#include "mas/runtime/rng.h"
#include "support/fake_clock.h"
#include "support/held_pool.h"
#include "support/io_rig.h"
#include "support/must.h"

using namespace mas;
using namespace mas::meta;
using namespace mas::test;

namespace {

bool is_log(const std::string& path) {
  return path.size() > 4 && path.substr(path.size() - 4) == ".log";
}

struct Fixture {
  explicit Fixture(config::Meta o = {}) : options(o) { open(); }
  ~Fixture() { close(); }

  void open() { store = must(open_embedded(options, "/data/meta", *fs, pool, clock, metrics)); }
  void close() {
    pool.release();
    run_blocking(store->close_store());
    store.reset();
  }
  Object object() {
    Object object;
    rng->fill(object.hash.bytes);
    object.generation = must(io.run(store->next_generation(1)));
    object.extents = {Extent{rng->id(), 10, 4096, Profile{1, 0}}};
    return object;
  }
  Result<CommitResult> commit(const Object& object) {
    return io.run(store->commit(object, 0, std::nullopt));
  }
  bool has(const Object& object) { return must(io.run(store->find(object.hash))).has_value(); }

  config::Meta options;
  std::unique_ptr<fs::FaultFs> fs = fs::make_fault_fs(1);
  std::unique_ptr<Rng> rng = make_seeded_rng(1);
  FakeClock clock;
  observe::Metrics metrics;
  HeldPool pool{make_thread_pool("driver", 2, 1000)};
  IoRig io;
  std::unique_ptr<MetaStore> store;
};

}  // namespace

TEST_CASE("what was answered is there after a power loss") {
  Fixture f;
  std::vector<Object> objects;
  for (int i = 0; i < 20; ++i) {
    objects.push_back(f.object());
    REQUIRE(must(f.commit(objects.back())).committed);
  }
  auto lost = f.fs->after_power_loss(*f.rng, 0.0);
  f.close();
  f.fs = std::move(lost);
  f.open();
  for (const Object& object : objects) CHECK(f.has(object));
  Object next = f.object();
  CHECK(next.generation > objects.back().generation);
}

TEST_CASE(
    "a write that fails may have happened, and no other is taken until the store is reopened") {
  Fixture f;
  Object before = f.object(), during = f.object(), after = f.object();
  must(f.commit(before));
  f.fs->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::sync && is_log(call.path)) return Error(Code::io, "no");
    return {};
  });
  CHECK(reads_only(*f.store) == nullptr);
  auto failed = f.commit(during);
  REQUIRE(code_of(failed) == Code::metadata_unavailable);
  CHECK(failed.error().maybe_happened());
  f.fs->set_hook({});

  auto refused = f.commit(after);
  REQUIRE(code_of(refused) == Code::metadata_unavailable);
  CHECK_FALSE(refused.error().maybe_happened());
  CHECK(code_of(f.io.run(f.store->ping())) == Code::metadata_unavailable);
  // What is stored is in doubt until the next start: no answer that somebody could act on.
  CHECK(code_of(f.io.run(f.store->find(before.hash))) == Code::metadata_unavailable);
  CHECK(code_of(f.io.run(f.store->list({}))) == Code::metadata_unavailable);
  // To be read, what was durable before is there, and nothing else.
  ReadsOnly* kept = reads_only(*f.store);
  REQUIRE(kept != nullptr);
  CHECK(must(f.io.run(kept->find_durable(before.hash))) == before);
  CHECK_FALSE(must(f.io.run(kept->find_durable(during.hash))).has_value());
  const ObjectPage page = must(f.io.run(kept->list_durable({})));
  REQUIRE(page.objects.size() == 1);
  CHECK(page.objects.front() == before);

  auto disk = f.fs->after_restart();
  f.close();
  f.fs = std::move(disk);
  f.open();
  must(f.io.run(f.store->ping()));
  CHECK(f.has(before));
  CHECK_FALSE(f.has(after));
  CHECK(must(f.commit(after)).committed);
  CHECK(must(f.commit(during)).committed);  // made now, or found to be there
}

namespace {

// Large enough that another log is needed soon.
Object large_object(Fixture& f) {
  Object object = f.object();
  object.extents.assign(400, object.extents.front());
  for (Extent& extent : object.extents) extent.id = f.rng->id();
  return object;
}

void take_descriptors(Fixture& f) {
  f.fs->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::open) return error_from_errno(EMFILE, "open");
    return {};
  });
}

// Commits until one is refused as `expected`, which is given back; the others are added to
// `stored`.
Object commit_until_refused(Fixture& f, std::vector<Object>& stored, Code expected = Code::busy) {
  for (int i = 0; i < 300; ++i) {
    Object object = large_object(f);
    auto done = f.commit(object);
    if (done.has_error()) {
      CHECK(code_of(done) == expected);
      CHECK_FALSE(done.error().maybe_happened());
      return object;
    }
    stored.push_back(std::move(object));
  }
  FAIL("nothing was refused");
  return {};
}

config::Meta least_cache() {
  config::Meta options;
  options.cache = 1;
  return options;
}

}  // namespace

TEST_CASE("want of descriptors is refused, and is over when there are some") {
  Fixture f(least_cache());
  std::vector<Object> stored{f.object()};
  must(f.commit(stored.front()));
  for (int time = 0; time < 2; ++time) {
    take_descriptors(f);
    const Object refused = commit_until_refused(f, stored);
    CHECK(code_of(f.commit(refused)) == Code::busy);
    must(f.io.run(f.store->ping()));
    CHECK(f.has(stored.front()));
    CHECK_FALSE(f.has(refused));
    f.fs->set_hook({});
    REQUIRE(must(f.commit(refused)).committed);
    stored.push_back(refused);
  }
  auto lost = f.fs->after_power_loss(*f.rng, 0.0);
  f.close();
  f.fs = std::move(lost);
  f.open();
  for (const Object& object : stored) CHECK(f.has(object));
}

TEST_CASE("a store without descriptors can be closed, and has lost nothing") {
  Fixture f(least_cache());
  std::vector<Object> stored;
  take_descriptors(f);
  const Object refused = commit_until_refused(f, stored);
  auto disk = f.fs->after_restart();
  f.close();
  f.fs = std::move(disk);
  f.open();
  for (const Object& object : stored) CHECK(f.has(object));
  CHECK_FALSE(f.has(refused));
}

TEST_CASE("a full disk refuses what is written, and takes it when there is room again") {
  Fixture f(least_cache());
  std::vector<Object> stored{f.object()};
  must(f.commit(stored.front()));
  const auto room = [&] { return must(f.fs->space("/data/meta")).free; };
  const auto used = [&] { return must(f.fs->space("/data/meta")).total - room(); };
  std::function<void()> fill;
  SECTION("by somebody else") {
    fill = [&] { f.fs->set_capacity(used()); };
  }
  SECTION("by the metadata") {
    fill = [&] { f.fs->set_capacity(used() + 3 * kMiB); };
  }
  SECTION("as what is flushed sees it") {
    fill = [&] {
      f.fs->set_hook([](const fs::FsCall& call) -> Result<void> {
        const bool is_table = call.path.ends_with(".sst");
        if (is_table && call.op == fs::FsOp::write) return error_from_errno(ENOSPC, "write");
        return {};
      });
    };
  }
  for (int time = 0; time < 3; ++time) {
    fill();
    const Object refused = commit_until_refused(f, stored, Code::metadata_unavailable);
    // Nothing is in doubt.
    must(f.io.run(f.store->ping()));
    CHECK(reads_only(*f.store) == nullptr);
    CHECK(f.has(stored.front()));
    CHECK_FALSE(f.has(refused));
    f.fs->set_hook({});
    f.fs->set_capacity(1 * kGiB);
    // RocksDB looks for room every five seconds.
    Result<CommitResult> again = f.commit(refused);
    while (code_of(again) == Code::metadata_unavailable) again = f.commit(refused);
    REQUIRE(must(std::move(again)).committed);
    stored.push_back(refused);
  }
  auto lost = f.fs->after_power_loss(*f.rng, 0.0);
  f.close();
  f.fs = std::move(lost);
  f.open();
  for (const Object& object : stored) CHECK(f.has(object));
}

TEST_CASE("writes that wait share one sync") {
  Fixture f;
  std::vector<Object> objects;
  for (int i = 0; i < 50; ++i) objects.push_back(f.object());
  std::atomic<int> syncs{0};
  f.fs->set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::sync && is_log(call.path)) ++syncs;
    return {};
  });
  f.pool.hold();
  std::vector<std::future<Result<CommitResult>>> answers;
  for (const Object& object : objects) {
    answers.push_back(f.io.start(f.store->commit(object, 0, std::nullopt)));
  }
  f.io.settle();
  CHECK(syncs == 0);
  f.pool.release();
  for (auto& answer : answers) CHECK(must(answer.get()).committed);
  CHECK(syncs == 1);
  f.fs->set_hook({});
}

TEST_CASE("more waiting writes than the queue holds are refused") {
  config::Meta options;
  options.queue = 4;
  Fixture f(options);
  std::vector<Object> objects;
  for (int i = 0; i < 5; ++i) objects.push_back(f.object());
  f.pool.hold();
  std::vector<std::future<Result<CommitResult>>> answers;
  for (int i = 0; i < 4; ++i) {
    answers.push_back(f.io.start(f.store->commit(objects[i], 0, std::nullopt)));
  }
  f.io.settle();
  auto refused = f.commit(objects[4]);
  REQUIRE(code_of(refused) == Code::busy);
  CHECK_FALSE(refused.error().maybe_happened());
  f.pool.release();
  for (auto& answer : answers) CHECK(must(answer.get()).committed);
}

TEST_CASE("a write that was not begun by its deadline did not happen and never will") {
  Fixture f;
  Object object = f.object();
  f.pool.hold();
  auto answer = f.io.start(f.store->commit(object, 0, std::nullopt));
  f.io.settle();
  f.clock.advance(f.options.deadline);
  auto late = answer.get();
  REQUIRE(code_of(late) == Code::metadata_unavailable);
  CHECK_FALSE(late.error().maybe_happened());
  f.pool.release();
  CHECK(must(f.commit(f.object())).committed);  // the queue went past it
  CHECK_FALSE(f.has(object));
}

TEST_CASE("a write that hangs on the disk may have happened") {
  Fixture f;
  Object object = f.object();
  std::promise<void> reached, go_on;
  auto may_go_on = go_on.get_future().share();
  std::atomic<bool> once{false};
  f.fs->set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::sync && is_log(call.path) && !once.exchange(true)) {
      reached.set_value();
      may_go_on.wait();
    }
    return {};
  });
  auto answer = f.io.start(f.store->commit(object, 0, std::nullopt));
  reached.get_future().wait();
  f.io.settle();  // the caller waits with its deadline
  f.clock.advance(f.options.deadline);
  auto late = answer.get();
  go_on.set_value();
  REQUIRE(code_of(late) == Code::metadata_unavailable);
  CHECK(late.error().maybe_happened());
  CHECK(must(f.commit(object)).committed);  // a repeat
  f.fs->set_hook({});
}

TEST_CASE("a read that waits for the pool too long is given up") {
  Fixture f;
  f.pool.hold();
  auto answer = f.io.start(f.store->list({}));
  f.io.settle();
  f.clock.advance(f.options.deadline);
  CHECK(code_of(answer.get()) == Code::metadata_unavailable);
}

TEST_CASE("closing finishes what waits, in the queue or past its deadline") {
  Fixture f;
  Object object = f.object(), given_up = f.object();
  f.pool.hold();
  auto late = f.io.start(f.store->commit(given_up, 0, std::nullopt));
  f.io.settle();
  f.clock.advance(f.options.deadline);
  CHECK(code_of(late.get()) == Code::metadata_unavailable);
  auto answer = f.io.start(f.store->commit(object, 0, std::nullopt));
  f.io.settle();
  auto closing = [](MetaStore& store) -> Task<bool> {
    co_await store.close_store();
    co_return true;
  };
  auto closed = f.io.start(closing(*f.store));
  f.io.settle();
  f.pool.release();
  CHECK(closed.get());
  CHECK(must(answer.get()).committed);
  CHECK(code_of(f.commit(given_up)) == Code::metadata_unavailable);
}

TEST_CASE("a directory that another store has open is busy") {
  Fixture f;
  auto second = open_embedded(f.options, "/data/meta", *f.fs, f.pool, f.clock, f.metrics);
  CHECK(code_of(second) == Code::busy);
}

namespace {

// The database under the closed store, as an older or newer version would leave it.
struct Below {
  explicit Below(fs::Fs& fs) : env(fs::make_rocksdb_env(fs)) {
    rocksdb::Options options;
    options.env = env.get();
    rocksdb::DB* opened = nullptr;
    REQUIRE(rocksdb::DB::Open(options, "/data/meta", &opened).ok());
    db.reset(opened);
  }
  void put(const std::string& key, const std::string& value) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    REQUIRE(db->Put(synced, key, value).ok());
  }
  std::string get(const std::string& key) {
    std::string value;
    return db->Get(rocksdb::ReadOptions(), key, &value).ok() ? value : "none";
  }
  std::shared_ptr<rocksdb::Env> env;
  std::unique_ptr<rocksdb::DB> db;
};

}  // namespace

TEST_CASE("a store of format 1 is marked as this format, and its index of expiry goes") {
  Fixture f;
  Object kept = f.object();
  must(f.commit(kept));
  f.close();
  {
    Below below(*f.fs);
    CHECK(below.get("v") == "mas-meta 2");
    below.put("v", "mas-meta 1");
    below.put("e12345678" + std::string(16, 'i'), "");
  }
  f.open();
  CHECK(f.has(kept));
  // Before anything is written in the new format.
  auto lost = f.fs->after_power_loss(*f.rng, 0.0);
  f.close();
  f.fs = std::move(lost);
  {
    Below below(*f.fs);
    CHECK(below.get("v") == "mas-meta 2");
    CHECK(below.get("e12345678" + std::string(16, 'i')) == "none");
  }
  f.open();
  CHECK(f.has(kept));
}

TEST_CASE("a store of a newer format is refused") {
  Fixture f;
  f.close();
  Below(*f.fs).put("v", "mas-meta 3");
  auto refused = open_embedded(f.options, "/data/meta", *f.fs, f.pool, f.clock, f.metrics);
  CHECK(code_of(refused) == Code::corrupt);
  Below(*f.fs).put("v", "mas-meta 2");
  f.open();
}
