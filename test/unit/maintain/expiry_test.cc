// How uploads end that nobody continues, whatever clocks say.
#include "rig.h"

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
  // A look each hour, for so many.
  void watch(maintain::Worker& worker, int times) {
    for (int i = 0; i < times; ++i) {
      clock.advance(hours(1));
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
  CHECK(freed[0].freed_at == f.now());
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
