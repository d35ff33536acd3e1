// The metadata are lost anywhere in the two steps in which a deleted file ends: it does not come
// back, and whatever the rebuild finds of it ends as well.
#include "maintain/rebuild/rules.h"
#include "mas/maintain/repair.h"
#include "rebuild_rig.h"

namespace mas::maintain {
namespace {

using test::hash_of;
using test::make_content;
using test::RebuildRig;

constexpr std::size_t kPods = 3;

// The system's time, days later.
class LaterClock final : public Clock {
 public:
  explicit LaterClock(int days) : ahead_(std::chrono::hours(24 * days)) {}
  [[nodiscard]] Instant now() const override { return system_->now() + ahead_; }
  [[nodiscard]] WallTime wall() const override { return system_->wall() + ahead_; }
  [[nodiscard]] std::unique_ptr<Timer> make_timer(Executor executor) override {
    return system_->make_timer(std::move(executor));
  }

  void pass(Duration time) { ahead_ = ahead_ + time; }

 private:
  Duration ahead_;
  std::unique_ptr<Clock> system_ = make_system_clock();
};

// Steps until it has nothing to do or its call fails.
void run(maintain::Worker& worker) {
  for (int i = 0; i < 50; ++i) {
    Result<Duration> rest = run_blocking_for(worker.step());
    if (rest.has_error() || *rest > Duration(0)) return;
  }
  FAIL("the worker never rests");
}

// A process of `pod`, `days` from now, collects; so many censuses count what it has meanwhile. With
// none, nothing waits for one.
void collect(RebuildRig& rig, std::size_t pod, int days, int censuses) {
  LaterClock clock(days);
  membership::ClusterView view = rig.view();
  view.self = static_cast<layout::MemberIndex>(pod);
  membership::ViewBoard board(view);
  observe::Metrics metrics;
  maintain::Ledger ledger(metrics);
  const maintain::Dependencies deps{rig.objects.failing_meta(), rig.objects.store(pod), board,
                                    clock, metrics};
  auto collector = make_collect_worker({}, deps, censuses > 0 ? &ledger : nullptr);
  auto census = make_census_worker(
      {}, {deps, rig.objects.objects().upkeep(), rig.objects.transport(), ledger});
  // It sees what is listed, and waits for the grace.
  auto wait_and_run = [&] {
    run(*collector);
    clock.pass(std::chrono::hours(25));
    run(*collector);
  };
  wait_and_run();
  for (int i = 0; i < censuses; ++i) {
    run(*census);
    wait_and_run();
  }
}

// Every second day from `first` to `last`; `lagging` does nothing.
void collect_all(RebuildRig& rig, int first, int last, std::size_t lagging = kPods,
                 int censuses = 0) {
  for (int day = first; day <= last; day += 2) {
    for (std::size_t pod = 0; pod < kPods; ++pod) {
      if (pod != lagging) collect(rig, pod, day, censuses);
    }
  }
}

// How many records of `kind` all pods have.
std::size_t count(RebuildRig& rig, RecordKind kind) {
  std::size_t found = 0;
  for (std::size_t pod = 0; pod < kPods; ++pod) {
    for (const RecordKey& key : rig.objects.store(pod).keys()) found += key.kind == kind ? 1 : 0;
  }
  return found;
}

// The metadata are lost when the collectors have made `calls` calls. Returns whether they were done
// before that.
bool lose_after(std::uint64_t calls, std::size_t size, std::size_t lagging, bool again) {
  RebuildRig rig(kPods);
  rig.put(make_content(300'000, 2));
  const std::size_t shards = count(rig, RecordKind::shard);
  const std::size_t manifests = count(rig, RecordKind::manifest);
  const std::string content = make_content(size, 5);
  const Hash gone = rig.put(content);
  rig.remove(gone);
  if (again) {
    rig.put(content);
    rig.remove(gone);
  }
  const std::uint64_t before = rig.objects.faults.calls();
  rig.objects.faults.refuse_from(before + calls);
  collect_all(rig, 2, 8, lagging);
  const bool done = rig.objects.faults.calls() <= before + calls;
  rig.objects.faults.refuse_all(false);
  rig.lose_metadata();
  must(rig.rebuild());
  CHECK_FALSE(rig.objects.find(gone).has_value());
  rig.check_files();
  collect_all(rig, 10, 18);
  CHECK_FALSE(rig.record(gone));
  CHECK(count(rig, RecordKind::manifest) == manifests);
  // Shards of the version before were on the freed list, which is lost: nothing names them now.
  if (!again) CHECK(count(rig, RecordKind::shard) == shards);
  rig.check_files();
  return done;
}

TEST_CASE("metadata lost anywhere in the end of a deleted file bring nothing back") {
  // An empty file is nothing but its manifest; one of a stripe has its record in its shards; others
  // have both.
  for (const std::size_t size : {std::size_t{0}, std::size_t{100'000}, std::size_t{300'000}}) {
    for (const std::size_t lagging : {kPods, kPods - 1}) {
      const bool again = lagging == kPods;
      for (std::uint64_t calls = 0;; ++calls) {
        CAPTURE(size, lagging, calls);
        REQUIRE(calls < 500);
        if (lose_after(calls, size, lagging, again)) break;
      }
    }
  }
}

// Sends content of one stripe until it is stored. All that is asked is away from some moment on, a
// little later at each try, so that what was written can neither be committed nor given up.
Hash put_with_failures(RebuildRig& rig, const std::string& content) {
  for (std::uint64_t calls = 0;; ++calls) {
    REQUIRE(calls < 50);
    rig.objects.faults.refuse_from(rig.objects.faults.calls() + calls);
    const bool stored = rig.objects.put(content).has_value();
    rig.objects.faults.refuse_all(false);
    if (stored) return hash_of(content);
  }
}

// The metadata are lost when the workers have made `calls` calls since the deletion. Returns
// whether they were done before that.
bool lose_after_failures(std::uint64_t calls, std::size_t lagging) {
  RebuildRig rig(kPods);
  rig.put(make_content(100'000, 2));
  const std::size_t shards = count(rig, RecordKind::shard);
  const Hash gone = put_with_failures(rig, make_content(100'000, 5));
  REQUIRE(count(rig, RecordKind::shard) > 2 * shards);
  rig.remove(gone);
  const std::uint64_t before = rig.objects.faults.calls();
  rig.objects.faults.refuse_from(before + calls);
  collect_all(rig, 2, 6, lagging, 2);
  const bool done = rig.objects.faults.calls() <= before + calls;
  rig.objects.faults.refuse_all(false);
  if (done) CHECK(rig.record(gone).has_value() == (lagging < kPods));
  rig.lose_metadata();
  must(rig.rebuild());
  CHECK_FALSE(rig.objects.find(gone).has_value());
  collect_all(rig, 8, 14, kPods, 2);
  CHECK_FALSE(rig.record(gone));
  CHECK(count(rig, RecordKind::shard) == shards);
  rig.check_files();
  return done;
}

TEST_CASE("what failed uploads of one stripe left does not bring their file back") {
  for (const std::size_t lagging : {kPods, kPods - 1}) {
    for (std::uint64_t calls = 0;; ++calls) {
      CAPTURE(lagging, calls);
      REQUIRE(calls < 500);
      if (lose_after_failures(calls, lagging)) break;
    }
  }
}

TEST_CASE("what was replaced ends also where the list of what is freed was lost") {
  RebuildRig rig(kPods);
  const std::string content = make_content(100'000, 5);
  const Hash hash = rig.put(content);
  rig.remove(hash);
  const std::size_t shards = count(rig, RecordKind::shard);
  rig.put(content);
  REQUIRE(count(rig, RecordKind::shard) == 2 * shards);
  rig.lose_metadata();
  must(rig.rebuild());
  rig.check_files();
  collect_all(rig, 2, 6, kPods, 2);
  CHECK(count(rig, RecordKind::shard) == shards);
  rig.check_files();
}

TEST_CASE("of the forms of a deletion's manifest the one that names its content counts") {
  meta::Object deletion;
  deletion.generation = 9;
  deletion.state = meta::ObjectState::condemned;
  meta::Object released = deletion;
  deletion.extents = {{Id128{{3}}, 100, 4096, Profile{1, 0}}};
  std::vector<peer::Carried> copies;
  for (const meta::Object& form : {released, deletion, released}) {
    const auto copy = static_cast<std::uint16_t>(copies.size());
    copies.push_back({RecordKey::manifest(form.hash, 9, copy), meta::encode(form)});
  }
  CHECK(rebuild::sort_manifests(deletion.hash, copies).deletion == deletion);
  copies.erase(copies.begin() + 1);
  CHECK(rebuild::sort_manifests(deletion.hash, copies).deletion == released);
}

}  // namespace
}  // namespace mas::maintain
