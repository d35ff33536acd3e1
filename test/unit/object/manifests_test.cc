// Manifests of commits that did not happen: listed as freed, and never one that may be needed.
#include "support/meta_calls.h"
#include "support/object_rig.h"

using namespace mas;
using namespace mas::test;

namespace {

// Somebody else acts once, right before the next commit.
class BeforeCommit final : public MetaCalls<BeforeCommit> {
 public:
  using MetaCalls::MetaCalls;
  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  Task<Result<meta::CommitResult>> commit(meta::Object object, std::uint64_t expected,
                                          std::optional<Id128> from) override {
    if (act) {
      auto once = std::move(act);
      act = nullptr;
      once();
    }
    return inner_->commit(std::move(object), expected, from);
  }
  std::function<void()> act;
};

// A pod more, whose metadata calls go through BeforeCommit.
struct Slow {
  explicit Slow(ObjectRig& rig) : meta(rig.meta()) {
    background.start();
    object::Dependencies deps{meta,    rig.transport(),        rig.board(), pools, *clock, *rng,
                              metrics, background.executor(0), nullptr};
    objects = object::make_objects(small_options(), {}, deps, {}, {});
  }
  ~Slow() { run_blocking(objects->close()); }
  Result<object::Receipt> put(const std::string& content) {
    MemorySource source(content);
    object::PutRequest request;
    return run_blocking_for(objects->put(std::move(request), source));
  }

  BeforeCommit meta;
  InlinePool cpu;
  Pools pools{cpu, cpu, cpu};
  std::unique_ptr<Clock> clock = make_system_clock();
  std::unique_ptr<Rng> rng = make_seeded_rng(99);
  observe::Metrics metrics;
  IoThreads background{1};
  std::unique_ptr<object::Objects> objects;
};

std::size_t manifests_in(ObjectRig& rig, std::size_t pods) {
  std::size_t count = 0;
  for (std::size_t pod = 0; pod < pods; ++pod) {
    for (const RecordKey& key : rig.store(pod).keys()) {
      count += key.kind == RecordKind::manifest ? 1 : 0;
    }
  }
  return count;
}

}  // namespace

TEST_CASE("the manifest of a commit that lost is listed as freed, and no other") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{300'000}}) {
    ObjectRig rig({.pods = 3});
    const std::string content = make_content(size);
    Slow slow(rig);
    slow.meta.act = [&] { must(rig.put(content)); };
    must(slow.put(content));
    CHECK(manifests_in(rig, 3) == 4);
    CHECK(rig.orphaned_manifests().empty());
    const auto record = must(rig.find(hash_of(content)));
    const auto freed = must(run_blocking_for(rig.meta().freed(0, 100)));
    for (const meta::FreedEntry& entry : freed) {
      if (entry.manifests) CHECK_FALSE(entry.manifests->covers(record.hash, record.generation));
    }
  }
}

TEST_CASE("the manifest of a commit whose extents were given up is listed as freed") {
  ObjectRig rig({.pods = 3});
  const std::string content = make_content(300'000);
  Slow slow(rig);
  slow.meta.act = [&] {
    for (const meta::Upload& upload : rig.open_uploads()) {
      must(run_blocking_for(rig.meta().close(upload.id, true, 1)));
    }
  };
  CHECK(slow.put(content).has_error());
  CHECK(manifests_in(rig, 3) == 2);
  CHECK(rig.orphaned_manifests().empty());
}

TEST_CASE("an upload that fails for certain leaves no manifest that nothing accounts for") {
  const std::string content = make_content(300'000);
  for (std::uint64_t nth = 0;; ++nth) {
    REQUIRE(nth < 200);
    CAPTURE(nth);
    ObjectRig rig({.pods = 3});
    rig.faults.fail_nth(nth, false);
    (void)rig.put(content);
    const bool hit = rig.faults.hit();
    rig.faults.clear();
    CHECK(rig.orphaned_manifests().empty());
    if (!hit) break;
  }
}

TEST_CASE("a manifest whose commit may have happened is not listed") {
  const std::string content = make_content(300'000);
  for (std::uint64_t nth = 0;; ++nth) {
    REQUIRE(nth < 200);
    CAPTURE(nth);
    ObjectRig rig({.pods = 3});
    rig.faults.fail_nth(nth, true);
    (void)rig.put(content);
    const bool hit = rig.faults.hit();
    rig.faults.clear();
    Result<meta::Object> record = rig.find(hash_of(content));
    if (record.has_value()) {
      for (const auto& entry : must(run_blocking_for(rig.meta().freed(0, 100)))) {
        if (entry.manifests) CHECK_FALSE(entry.manifests->covers(record->hash, record->generation));
      }
    }
    if (!hit) break;
  }
}
