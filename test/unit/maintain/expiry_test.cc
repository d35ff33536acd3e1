// How uploads end that nobody continues, whatever clocks say.
#include "maintain/idle_marks.h"
#include "mas/fs/directories.h"
#include "mas/fs/fault_fs.h"
#include "rig.h"
#include "support/inline_pool.h"
#include "support/meta_calls.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr Duration kSession = hours(24);

// A clock whose wall time is not the rig's.
class Skewed final : public Clock {
 public:
  Skewed(FakeClock& clock, Duration ahead) : clock_(clock), ahead_(ahead) {}
  [[nodiscard]] Instant now() const override { return clock_.now(); }
  [[nodiscard]] WallTime wall() const override { return clock_.wall() + ahead_; }
  std::unique_ptr<Timer> make_timer(Executor executor) override {
    return clock_.make_timer(std::move(executor));
  }

 private:
  FakeClock& clock_;
  Duration ahead_;
};

struct Fixture : MaintainRig {
  std::unique_ptr<maintain::Worker> make_worker() {
    return maintain::make_expiry_worker(options, deps(), kSession);
  }
  meta::Upload open() {
    meta::Upload upload;
    upload.id = rng->id();
    rng->fill(upload.hash.bytes);
    upload.expires = now();  // no matter
    return get(meta->open(upload));
  }
  bool there(const meta::Upload& upload) { return get(meta->find_upload(upload.id)).has_value(); }
  void touch(const meta::Upload& upload) { must(run_blocking_for(meta->touch(upload.id, now()))); }
  // Looks as often as it wants to, for so many hours.
  void watch(maintain::Worker& worker, int times) {
    for (int i = 0; i < times * 60; ++i) {
      clock.advance(options.expire_interval);
      must(step(worker));
    }
  }
};

}  // namespace

TEST_CASE("an upload that nobody has touched for a session's life is ended, its extents freed") {
  Fixture f;
  auto worker = f.make_worker();
  meta::Upload idle = f.open(), sealed = f.open();
  meta::Extent extent = f.extent();
  must(run_blocking_for(f.meta->register_extent(idle.id, extent)));
  f.get(f.meta->seal(sealed.id, 0));
  CHECK(must(f.step(*worker)) == f.options.expire_interval);
  f.watch(*worker, 23);
  CHECK(f.there(idle));
  f.watch(*worker, 1);
  CHECK_FALSE(f.there(idle));
  CHECK(f.there(sealed));
  auto freed = f.get(f.meta->freed(0, 10));
  REQUIRE(freed.size() == 1);
  CHECK(freed[0].extent == extent);
  CHECK(freed[0].freed_at == 0);
}

TEST_CASE("a sign of life gives an upload its whole life again") {
  Fixture f;
  auto worker = f.make_worker();
  meta::Upload upload = f.open();
  for (int round = 0; round < 5; ++round) {
    f.watch(*worker, 23);
    REQUIRE(f.there(upload));
    f.touch(upload);
  }
  f.watch(*worker, 25);
  CHECK_FALSE(f.there(upload));
}

TEST_CASE("time in which the pod stood still ends no upload") {
  Fixture f;
  auto worker = f.make_worker();
  meta::Upload upload = f.open();
  f.watch(*worker, 1);
  for (int times = 0; times < 20; ++times) {
    // Nobody could tell it anything.
    f.clock.advance(kSession);
    must(f.step(*worker));
    REQUIRE(f.there(upload));
  }
  f.watch(*worker, 24);
  CHECK_FALSE(f.there(upload));
}

namespace {

// A metadata store that cannot be read for a while.
class Silent final : public MetaCalls<Silent> {
 public:
  using MetaCalls::MetaCalls;
  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  Task<Result<std::vector<meta::Upload>>> uploads(std::optional<Id128> after,
                                                  std::uint32_t limit) override {
    if (silent) co_return Error(Code::metadata_unavailable, "no answer");
    co_return co_await inner_->uploads(after, limit);
  }
  bool silent = false;
};

}  // namespace

TEST_CASE("time in which the metadata could not be read ends no upload") {
  Fixture f;
  Silent meta(*f.meta);
  maintain::Dependencies deps{meta, f.store, f.view, f.clock, f.metrics};
  auto worker = maintain::make_expiry_worker(f.options, deps, kSession);
  meta::Upload upload = f.open();
  must(f.step(*worker));
  // Nor do short ones, one after the other.
  for (int i = 0; i < 3 * 24 * 60; ++i) {
    f.clock.advance(f.options.expire_interval);
    meta.silent = i % 2 == 0;
    CHECK(f.step(*worker).has_error() == meta.silent);
    REQUIRE(f.there(upload));
  }
  f.watch(*worker, 23);
  CHECK(f.there(upload));
  f.watch(*worker, 1);
  CHECK_FALSE(f.there(upload));
}

TEST_CASE("a clock that is wrong ends no upload, and keeps none") {
  for (const Duration ahead : {Duration(hours(48)), Duration(hours(-48))}) {
    Fixture f;
    Skewed skewed(f.clock, ahead);
    maintain::Dependencies deps{*f.meta, f.store, f.view, skewed, f.metrics};
    auto worker = maintain::make_expiry_worker(f.options, deps, kSession);
    meta::Upload upload = f.open();
    must(f.step(*worker));
    f.watch(*worker, 23);
    CHECK(f.there(upload));
    f.watch(*worker, 1);
    CHECK_FALSE(f.there(upload));
  }
}

TEST_CASE(
    "only the pod that looks after its slice ends an upload, and any knows how long it is idle") {
  Fixture f;
  membership::ClusterView view = *f.view.current();
  std::vector<layout::Member> members{{"mas-0", Id128{{1}}, "", 1}, {"mas-1", Id128{{2}}, "", 1}};
  view.layout = layout::found(Id128{}, members);
  for (const layout::Member& member : members) {
    membership::Pod pod;
    pod.last.slot = member.slot;
    pod.last.incarnation = member.incarnation;
    view.pods.push_back(pod);
  }
  f.view.publish(view);
  auto worker = f.make_worker();
  std::vector<meta::Upload> uploads;
  for (int i = 0; i < 50; ++i) uploads.push_back(f.open());
  f.watch(*worker, 30);
  const auto left = static_cast<std::size_t>(std::count_if(
      uploads.begin(), uploads.end(), [&](const meta::Upload& upload) { return f.there(upload); }));
  CHECK(left > 0);
  CHECK(left < uploads.size());
  // The other one goes: its slices are this pod's.
  view.pods[1].alive = false;
  f.view.publish(view);
  must(f.step(*worker));
  for (const meta::Upload& upload : uploads) CHECK_FALSE(f.there(upload));
}

TEST_CASE("many idle uploads are ended page by page") {
  Fixture f;
  f.options.expire_interval = kSession;
  auto worker = f.make_worker();
  for (int i = 0; i < 1250; ++i) f.open();
  auto pass = [&] {
    CHECK(must(f.step(*worker)) == Duration(0));
    CHECK(must(f.step(*worker)) == Duration(0));
    CHECK(must(f.step(*worker)) == f.options.expire_interval);
  };
  pass();
  f.clock.advance(kSession);
  pass();
  CHECK(f.get(f.meta->uploads(std::nullopt, 10)).empty());
  maintain::WorkerStatus status;
  worker->describe(status);
  CHECK(status.done == 1250);
}

namespace {

// A pod that keeps what it has seen over its restarts.
struct Kept : Fixture {
  Kept() { must(fs::make_durable_directory(*disk, "/data")); }
  std::unique_ptr<maintain::Worker> start() {
    maintain::MarksFile file{*disk, "/data/idle-uploads", pool};
    return maintain::make_expiry_worker(options, deps(), kSession, std::move(file));
  }
  // Only what was synced is there afterwards.
  void lose_power() { disk = disk->after_power_loss(*rng, 0.0); }

  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(1);
  InlinePool pool;
};

}  // namespace

TEST_CASE("a restart does not start the time of an idle upload anew") {
  Kept f;
  meta::Upload upload = f.open(), busy = f.open();
  for (int run = 0; run < 4; ++run) {
    auto worker = f.start();
    must(f.step(*worker));
    f.watch(*worker, 5);
    f.touch(busy);
    REQUIRE(f.there(upload));
    worker.reset();
    f.lose_power();
    f.clock.advance(hours(100));  // it does not run
  }
  auto worker = f.start();
  must(f.step(*worker));
  f.watch(*worker, 3);
  CHECK(f.there(upload));
  f.watch(*worker, 2);
  CHECK_FALSE(f.there(upload));
  CHECK(f.there(busy));
}

TEST_CASE("what was kept and cannot be read ends nothing early") {
  Kept f;
  meta::Upload upload = f.open();
  auto worker = f.start();
  must(f.step(*worker));
  f.watch(*worker, 23);
  std::string bytes = must(fs::read_file(*f.disk, "/data/idle-uploads"));
  bytes[bytes.size() / 2] ^= 1;
  must(fs::write_file(*f.disk, "/data/idle-uploads", as_bytes(bytes)));
  worker = f.start();
  must(f.step(*worker));
  f.watch(*worker, 23);
  CHECK(f.there(upload));
  f.watch(*worker, 1);
  CHECK_FALSE(f.there(upload));
}

TEST_CASE("marks are kept of so many uploads, and read back as they were") {
  auto id = [](std::uint8_t n) { return Id128{{n}}; };
  const Instant start;
  maintain::IdleMarks marks(2, hours(3));
  for (std::uint8_t n : {1, 2, 3}) CHECK(marks.see(id(n), 5, start) == Duration(0));
  CHECK(marks.size() == 2);
  const Instant later = start + hours(1);
  CHECK(marks.see(id(1), 5, later) == hours(1));
  CHECK(marks.see(id(2), 6, later) == Duration(0));
  CHECK(marks.see(id(3), 5, later) == Duration(0));
  const std::string bytes = marks.save();
  CHECK(bytes.size() == marks.most_bytes());

  maintain::IdleMarks again(2, hours(3));
  must(again.load(bytes));
  const Instant other = start + hours(1000);  // of another process
  CHECK(again.see(id(1), 5, other) == hours(1));
  CHECK(again.see(id(1), 5, other + hours(1)) == hours(2));
  CHECK(again.see(id(2), 7, other) == Duration(0));
  again.end_pass();
  again.see(id(2), 7, other);
  again.end_pass();
  CHECK(again.size() == 1);

  maintain::IdleMarks fewer(1, hours(3));
  CHECK(code_of(fewer.load(bytes)) == Code::corrupt);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE(code_of(again.load(bytes.substr(0, size))) == Code::corrupt);
  }
  CHECK(code_of(again.load(bytes + 'x')) == Code::corrupt);
  CHECK(again.size() == 1);
}
