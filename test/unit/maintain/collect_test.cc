#include "mas/layout/leavers.h"
#include "rig.h"
#include "store/show_usage.h"
#include "support/meta_calls.h"
#include "watched_store.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

struct Fixture : MaintainRig {
  std::unique_ptr<maintain::Worker> worker = maintain::make_collect_worker(options, deps());
  // Steps until the worker wants to rest.
  void run() {
    for (int i = 0; i < 100; ++i) {
      if (must(step(*worker)) > Duration(0)) return;
    }
    FAIL("the worker never rests");
  }
  // The worker sees what there is, which then waits for its grace.
  void pass_grace() {
    run();
    clock.advance(options.grace);
  }
  void restart() { worker = maintain::make_collect_worker(options, deps()); }
};

}  // namespace

TEST_CASE("a freed extent's shards go after the grace, all of them and no others") {
  Fixture f;
  meta::Object kept = f.put_object();
  std::vector<meta::Extent> freed{f.extent(), f.extent()}, unexplained{f.extent()};
  for (const auto& extent : freed) f.put_shards(extent);
  f.put_shards(unexplained[0]);
  must(run_blocking_for(f.meta->free(freed, f.now())));
  f.run();
  f.clock.advance(hours(24) - seconds(1));
  f.run();
  CHECK(f.shards_of(freed[0]) == 4);
  f.clock.advance(seconds(1));
  f.run();
  CHECK(f.shards_of(freed[0]) == 0);
  CHECK(f.shards_of(freed[1]) == 0);
  CHECK(f.shards_of(unexplained[0]) == 4);
  CHECK(f.shards_of(kept.extents[0]) == 4);
  CHECK(f.get(f.meta->freed(0, 10)).empty());
}

TEST_CASE("an extent of many shards is collected whole") {
  Fixture f;
  meta::Extent extent = f.extent(), neighbour = f.extent();
  neighbour.id = extent.id;
  neighbour.id.bytes[15] ^= 1;
  f.put_shards(extent, 1500);
  f.put_shards(neighbour, 3);
  must(run_blocking_for(f.meta->free({extent}, f.now())));
  f.pass_grace();
  f.run();
  CHECK(f.shards_of(extent) == 0);
  CHECK(f.shards_of(neighbour) == 6);
}

TEST_CASE("ids at both ends of their range are collected") {
  Fixture f;
  meta::Extent lowest = f.extent(), highest = f.extent();
  lowest.id = Id128{};
  highest.id.bytes.fill(0xff);
  for (const auto& extent : {lowest, highest}) f.put_shards(extent);
  must(run_blocking_for(f.meta->free({lowest, highest}, f.now())));
  f.pass_grace();
  f.run();
  CHECK(f.store.keys().empty());
}

TEST_CASE("many freed extents are collected step by step") {
  Fixture f;
  std::vector<meta::Extent> freed;
  for (int i = 0; i < 200; ++i) freed.push_back(f.extent());
  for (const auto& extent : freed) f.put_shards(extent, 1);
  must(run_blocking_for(f.meta->free(freed, f.now())));
  f.pass_grace();
  CHECK(must(f.step(*f.worker)) == Duration(0));
  CHECK_FALSE(f.store.keys().empty());
  f.run();
  CHECK(f.store.keys().empty());
  CHECK(f.get(f.meta->freed(0, 1000)).empty());
}

TEST_CASE("a pod behind one that has left tells its own slot, and waits for the others") {
  Fixture f;
  membership::ClusterView view;
  view.layout = layout::found(Id128{}, {layout::Member{"mas-0", Id128{{1}}, "", 1},
                                        layout::Member{"mas-1", Id128{{2}}, "", 1},
                                        layout::Member{"mas-2", Id128{{3}}, "", 1}});
  view.layout.members[0].state = layout::MemberState::left;
  view.self = 2;
  f.view.publish(view);
  meta::Extent freed = f.extent();
  f.put_shards(freed);
  must(run_blocking_for(f.meta->free({freed}, f.now())));
  f.pass_grace();
  f.run();
  CHECK(f.shards_of(freed) == 0);
  const auto listed = f.get(f.meta->freed(0, 10));
  REQUIRE(listed.size() == 1);
  must(run_blocking_for(f.meta->collected("mas-1", listed[0].sequence, {"mas-1", "mas-2"})));
  CHECK(f.get(f.meta->freed(0, 10)).empty());
}

TEST_CASE("what is deleted stays listed for an older directory that may have its slot back") {
  Fixture f;
  membership::ClusterView view;
  view.layout = layout::found(Id128{}, {layout::Member{"mas-0", Id128{{1}}, "", 1},
                                        layout::Member{"mas-1", Id128{{2}}, "", 1}});
  view.layout = layout::taken_over(view.layout, "mas-0", Id128{{9}});
  view.self = 0;
  f.view.publish(view);
  meta::Extent freed = f.extent();
  f.put_shards(freed);
  must(run_blocking_for(f.meta->free({freed}, f.now())));
  f.pass_grace();
  auto listed = [&] {
    f.run();
    const auto page = f.get(f.meta->freed(0, 10));
    if (page.empty()) return false;
    must(run_blocking_for(f.meta->collected("mas-1", page[0].sequence, {"mas-0", "mas-1"})));
    return !f.get(f.meta->freed(0, 10)).empty();
  };
  CHECK(listed());
  CHECK(f.shards_of(freed) == 0);
  view.layout = layout::settled(view.layout);
  f.view.publish(view);
  CHECK(listed());
  view.layout = layout::given_up(view.layout, layout::sources(view.layout));
  f.view.publish(view);
  CHECK_FALSE(listed());
}

namespace {

// Another wall clock over the same time.
class SkewedClock final : public Clock {
 public:
  explicit SkewedClock(FakeClock& inner) : inner_(inner) {}
  Duration ahead{};
  [[nodiscard]] Instant now() const override { return inner_.now(); }
  [[nodiscard]] WallTime wall() const override { return inner_.wall() + ahead; }
  [[nodiscard]] std::unique_ptr<Timer> make_timer(Executor executor) override {
    return inner_.make_timer(std::move(executor));
  }

 private:
  FakeClock& inner_;
};

}  // namespace

TEST_CASE("a change of the system's clock hurries nothing while the process runs") {
  MaintainRig rig;
  SkewedClock clock(rig.clock);
  maintain::Dependencies deps{*rig.meta, rig.store, rig.view, clock, rig.metrics};
  auto worker = maintain::make_collect_worker(rig.options, deps);
  meta::Extent extent = rig.extent();
  rig.put_shards(extent);
  must(run_blocking_for(rig.meta->free({extent}, clock.wall().unix_seconds())));
  for (int days : {0, 30, -30, 60}) {
    clock.ahead = hours(24) * days;
    must(rig.step(*worker));
    CHECK(rig.shards_of(extent) == 4);
  }
  rig.clock.advance(hours(25));
  must(rig.step(*worker));
  CHECK(rig.shards_of(extent) == 0);
}

TEST_CASE("members who have left are neither waited for nor taken for this pod") {
  Fixture f;
  membership::ClusterView view = MaintainRig::alone();
  layout::Member gone = view.layout.members[0];
  gone.slot = "mas-9";
  gone.incarnation = Id128{{9}};
  gone.state = layout::MemberState::left;
  view.layout.members.insert(view.layout.members.begin(), gone);
  for (std::size_t i = 0; i < view.layout.rows.size(); ++i) view.layout.rows[i] = {1};
  view.self = 1;
  f.view.publish(view);
  meta::Extent extent = f.extent();
  f.put_shards(extent);
  f.get(f.meta->free({extent}, f.now()));
  f.pass_grace();
  f.run();
  CHECK(f.shards_of(extent) == 0);
  CHECK(f.get(f.meta->freed(0, 10)).empty());
}

TEST_CASE("a deleted object is erased after the grace, with its shards and manifests") {
  Fixture f;
  meta::Object kept = f.put_object();
  meta::Object object = f.put_object();
  f.condemn(object);
  f.run();
  f.clock.advance(hours(24) - seconds(1));
  f.run();
  CHECK(f.get(f.meta->find(object.hash)));
  CHECK(f.shards_of(object.extents[0]) == 4);
  CHECK(f.manifests_of(object.hash) == 2);
  f.clock.advance(seconds(1));
  f.run();
  CHECK_FALSE(f.get(f.meta->find(object.hash)));
  CHECK(f.shards_of(object.extents[0]) == 0);
  // That of the deletion was needed until now.
  CHECK(f.manifests_of(object.hash) == 1);
  f.pass_grace();
  f.run();
  CHECK(f.manifests_of(object.hash) == 0);
  CHECK(f.get(f.meta->freed(0, 10)).empty());
  CHECK(f.shards_of(kept.extents[0]) == 4);
  CHECK(f.manifests_of(kept.hash) == 1);
}

TEST_CASE("content uploaded again after its deletion stays") {
  Fixture f;
  meta::Object object = f.put_object();
  f.condemn(object);
  f.run();
  f.clock.advance(hours(23));
  meta::Object again = f.put_object(object.hash);
  f.pass_grace();
  f.run();
  CHECK(f.get(f.meta->find(object.hash)) == again);
  CHECK(f.shards_of(again.extents[0]) == 4);
  CHECK(f.shards_of(object.extents[0]) == 0);
}

TEST_CASE("nothing is removed while the metadata cannot be asked") {
  Fixture f;
  meta::Extent extent = f.extent();
  f.put_shards(extent);
  must(run_blocking_for(f.meta->free({extent}, f.now())));
  f.pass_grace();
  run_blocking(f.meta->close_store());
  CHECK(code_of(f.step(*f.worker)) == Code::metadata_unavailable);
  CHECK(f.shards_of(extent) == 4);
}

TEST_CASE("collection that fails at any call of the store is finished by the next one") {
  for (std::uint64_t nth = 0; nth < 40; ++nth) {
    Fixture f;
    meta::Object object = f.put_object();
    f.condemn(object);
    std::vector<meta::Extent> freed{f.extent(), f.extent(), f.extent()};
    for (const auto& extent : freed) f.put_shards(extent);
    must(run_blocking_for(f.meta->free(freed, f.now())));
    f.pass_grace();
    f.store.inject({.error = Error(Code::io, "no"), .skip = nth, .times = 1});
    bool failed = false;
    for (int i = 0; i < 20; ++i) {
      const bool now = f.step(*f.worker).has_error();
      failed = failed || now;
      if (now && nth % 2 == 0) f.restart();
      if (i % 3 == 2) f.clock.advance(hours(25));
    }
    f.run();
    CHECK(f.get(f.meta->freed(0, 10)).empty());
    CHECK(f.store.keys().empty());
    if (!failed) {
      CHECK(nth > 5);
      return;
    }
  }
  FAIL("the loop never passed the last call");
}

TEST_CASE("nothing that was removed was referred to at that time") {
  MaintainRig rig;
  Watched store(rig.store);
  maintain::Dependencies deps{*rig.meta, store, rig.view, rig.clock, rig.metrics};
  auto worker = maintain::make_collect_worker(rig.options, deps);
  meta::Object live = rig.put_object(), gone = rig.put_object();
  rig.condemn(gone);
  must(rig.step(*worker));
  rig.clock.advance(hours(25));
  must(rig.step(*worker));
  for (const RecordKey& key : store.removed) {
    CHECK((key.kind == RecordKind::manifest ? key.hash() == gone.hash
                                            : key.extent() == gone.extents[0].id));
  }
  CHECK(store.removed.size() == 4 + 1);
}

namespace {

// The list of freed extents after the metadata was put together anew: numbers start again.
void lose_metadata(MaintainRig& rig) {
  rig.meta = meta::make_memory_meta();
  membership::ClusterView view = *rig.view.current();
  ++view.distrusts;
  rig.view.publish(std::move(view));
}

// What a running pod has under one address, before and after.
class Either final : public MetaCalls<Either> {
 public:
  using MetaCalls::MetaCalls;
  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  Task<Result<std::vector<meta::FreedEntry>>> freed(std::uint64_t after,
                                                    std::uint32_t limit) override {
    return (now != nullptr ? now : inner_)->freed(after, limit);
  }
  meta::MetaStore* now = nullptr;
};

class Known final : public membership::GenerationWatch {
 public:
  std::uint64_t highest = 0;
  bool doubted = false;
  [[nodiscard]] std::uint64_t highest_generation() const override { return highest; }
  void note_generation(std::uint64_t generation) override { highest = generation; }
  void doubt_metadata(std::uint64_t) override { doubted = true; }
  [[nodiscard]] bool doubts_metadata() const override { return doubted; }
};

}  // namespace

TEST_CASE("after a rebuild the list of freed extents is read from its beginning") {
  MaintainRig rig;
  std::vector<meta::Extent> first{rig.extent(), rig.extent(), rig.extent()};
  must(run_blocking_for(rig.meta->free(first, rig.now())));
  std::unique_ptr<meta::MetaStore> before = std::move(rig.meta);
  auto old_worker = [&](meta::MetaStore& meta) {
    maintain::Dependencies deps{meta, rig.store, rig.view, rig.clock, rig.metrics};
    return maintain::make_collect_worker(rig.options, deps);
  };
  Either either(*before);
  auto worker = old_worker(either);
  must(rig.step(*worker));
  rig.clock.advance(hours(25));
  must(rig.step(*worker));
  CHECK(rig.get(before->freed(0, 10)).empty());
  lose_metadata(rig);
  meta::Extent later = rig.extent();
  rig.put_shards(later);
  must(run_blocking_for(rig.meta->free({later}, rig.now())));
  either.now = rig.meta.get();
  must(rig.step(*worker));
  CHECK(rig.shards_of(later) == 4);
  rig.clock.advance(hours(25));
  must(rig.step(*worker));
  CHECK(rig.shards_of(later) == 0);
}

TEST_CASE("nothing is erased by what an old store says") {
  MaintainRig rig;
  meta::Object gone = rig.put_object();
  rig.condemn(gone);
  meta::Extent freed = rig.extent();
  rig.put_shards(freed);
  Known known;
  maintain::Dependencies deps{*rig.meta, rig.store, rig.view, rig.clock, rig.metrics, &known};
  auto worker = maintain::make_collect_worker(rig.options, deps);
  auto expiry = maintain::make_expiry_worker(rig.options, deps, hours(24));
  meta::Upload upload;
  upload.id = rig.rng->id();
  upload.expires = rig.now() + 1;
  must(run_blocking_for(rig.meta->open(upload)));
  must(rig.step(*expiry));
  // One look before it ends.
  for (int looks = 1; looks < 24 * 60; ++looks) {
    rig.clock.advance(rig.options.expire_interval);
    must(rig.step(*expiry));
  }
  rig.clock.advance(rig.options.expire_interval);
  SECTION("a record") {}
  SECTION("a freed extent") { must(run_blocking_for(rig.meta->free({freed}, 1))); }
  // Generations up to here are known to have been given.
  known.highest = 1'000'000;
  CHECK(rig.step(*worker).has_error());
  CHECK(known.doubted);
  CHECK(rig.step(*expiry).has_error());
  CHECK(rig.shards_of(gone.extents[0]) == 4);
  CHECK(rig.shards_of(freed) == 4);
  CHECK(rig.get(rig.meta->find(gone.hash)));
  CHECK(rig.get(rig.meta->find_upload(upload.id)));
}

TEST_CASE("the record of a deleted object stays until a member that is away has collected") {
  Fixture f;
  meta::Object gone = f.put_object();
  f.condemn(gone);
  membership::ClusterView view = *f.view.current();
  std::vector<layout::Member> members = view.layout.members;
  members.push_back({"mas-1", Id128{{7}}, "", 1});
  view.layout = layout::found(Id128{}, members);
  membership::Pod away;
  away.last.slot = "mas-1";
  away.last.incarnation = Id128{{7}};
  away.alive = false;
  view.pods = {away};
  f.view.publish(view);
  f.pass_grace();
  f.run();
  const auto record = f.get(f.meta->find(gone.hash));
  REQUIRE(record);
  CHECK(record->released > 0);
  CHECK(f.shards_of(gone.extents[0]) == 0);
  CHECK(f.manifests_of(gone.hash) == 1);
  view.pods[0].alive = true;
  f.view.publish(view);
  f.run();
  CHECK(f.get(f.meta->find(gone.hash)));
  must(run_blocking_for(f.meta->collected("mas-1", record->released, {"mas-0", "mas-1"})));
  f.run();
  CHECK_FALSE(f.get(f.meta->find(gone.hash)));
}
