// The hash of an upload whose parts come through several pods: what is published under a hash has
// it.
#include <functional>
#include <thread>

#include "mas/runtime/io_threads.h"
#include "support/meta_calls.h"
#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::ObjectRig;

// Stands still before an advance of the hash run, as a pod does whose thread gets no time.
class Between final : public test::MetaCalls<Between> {
 public:
  using MetaCalls::MetaCalls;
  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  Task<Result<bool>> advance_hash(Id128 upload, meta::HashRun expected, meta::HashRun next,
                                  std::vector<meta::Extent> extents) override {
    if (before) {
      auto act = std::move(before);
      before = nullptr;
      act();
    }
    if (only_first && next.parts > 1) return refuse();
    return inner_->advance_hash(upload, std::move(expected), std::move(next), std::move(extents));
  }
  std::function<void()> before;
  bool only_first = false;  // goes no further than part 1, so that others can be waited for

 private:
  static Task<Result<bool>> refuse() { co_return Error(Code::metadata_unavailable, "not now"); }
};

// Believes every advance, as one that compared too little would.
class Gullible final : public test::MetaCalls<Gullible> {
 public:
  using MetaCalls::MetaCalls;
  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  // What every look at the upload shows instead of its run.
  std::optional<meta::HashRun> shown;
  Task<Result<std::optional<meta::Upload>>> find_upload(Id128 id) override {
    auto found = co_await inner_->find_upload(id);
    if (shown && found.has_value() && *found) (*found)->run = *shown;
    co_return found;
  }
  Task<Result<bool>> advance_hash(Id128 upload, meta::HashRun expected, meta::HashRun next,
                                  std::vector<meta::Extent> extents) override {
    if (shown && next == meta::HashRun{}) shown.reset();
    return inner_->advance_hash(upload, std::move(expected), std::move(next), std::move(extents));
  }
};

// A second pod on the rig's stores, behind a metadata store of its own kind.
template <class Meta>
struct Pod {
  explicit Pod(ObjectRig& rig) : meta(rig.meta()) {
    background.start();
    Pools pools{cpu, cpu, cpu};
    Dependencies deps{meta, rig.transport(), rig.board(),           pools, *clock,
                      *rng, metrics,         background.executor(0)};
    objects = make_objects(test::small_options(), {}, deps);
  }
  ~Pod() { run_blocking(objects->close()); }

  Meta meta;
  test::InlinePool cpu;
  std::unique_ptr<Clock> clock = make_system_clock();
  std::unique_ptr<Rng> rng = make_seeded_rng(99);
  observe::Metrics metrics;
  IoThreads background{1};
  std::unique_ptr<Objects> objects;
};

void put_part(Objects& pod, const SessionKey& key, std::uint32_t number, const std::string& bytes) {
  test::MemorySource source(bytes);
  PartRequest request;
  request.number = number;
  must(run_blocking_for(pod.put_part(key, request, source)));
}

meta::HashRun run_of(ObjectRig& rig, const SessionKey& key) {
  return must(run_blocking_for(rig.meta().find_session(key.hash, key.session)))->run;
}

// Until the upload is hashed so far.
void wait_for_parts(ObjectRig& rig, const SessionKey& key, std::uint32_t parts) {
  while (run_of(rig, key).parts != parts) std::this_thread::yield();
}

TEST_CASE("a pod that stood still while a part was sent again publishes no wrong bytes") {
  ObjectRig rig({.pods = 3});
  const std::string first = make_content(300'000, 1), second = make_content(6'000'000, 2),
                    other = make_content(300'000, 3);
  const std::string content = first + second;
  const SessionKey key{hash_of(content), ""};
  Pod<Between> a(rig);
  Pod<Between> b(rig);
  b.meta.only_first = true;
  must(run_blocking_for(a.objects->init(key, "n", false)));
  put_part(*a.objects, key, 1, first);
  wait_for_parts(rig, key, 1);
  const meta::HashRun over_first = run_of(rig, key);
  a.meta.before = [&] {
    put_part(*b.objects, key, 1, other);
    wait_for_parts(rig, key, 1);
    REQUIRE(run_of(rig, key) != over_first);
  };
  put_part(*a.objects, key, 2, second);
  CHECK_FALSE(a.meta.before);
  // Of other bytes than the hash says: refused, until the right part 1 is sent.
  CHECK(code_of(run_blocking_for(a.objects->finish(key, {}))) == Code::hash_mismatch);
  put_part(*a.objects, key, 1, first);
  FinishResult finished = must(run_blocking_for(a.objects->finish(key, {})));
  CHECK(finished.receipt.has_value());
  CHECK(must(rig.download(key.hash)) == content);
}

TEST_CASE("a run over other parts than those to be published is hashed anew, never believed") {
  ObjectRig rig({.pods = 3});
  const std::string content = make_content(300'000, 1), other = make_content(300'000, 3);
  const SessionKey key{hash_of(content), ""};
  Pod<Gullible> a(rig);
  must(run_blocking_for(a.objects->init(key, "n", false)));
  put_part(*a.objects, key, 1, content);
  wait_for_parts(rig, key, 1);
  const meta::HashRun right = run_of(rig, key);
  put_part(*a.objects, key, 1, other);
  wait_for_parts(rig, key, 1);
  // The run that stands in the record is that of bytes which are not there any more.
  a.meta.shown = right;
  CHECK(code_of(run_blocking_for(a.objects->finish(key, {}))) == Code::busy);
  CHECK(code_of(run_blocking_for(rig.objects().find(key.hash, true))) == Code::no_such_file);
  CHECK(code_of(run_blocking_for(a.objects->finish(key, {}))) == Code::hash_mismatch);
}

}  // namespace
}  // namespace mas::object
