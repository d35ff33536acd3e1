// Uploads that a dead pod left sealed.
#include "cluster_rig.h"

using namespace mas;
using namespace mas::test;
using std::chrono::seconds;

namespace {

// A sealed upload whose finish went no further; its parts are hashed.
struct Left {
  explicit Left(ClusterRig& rig) : content(make_content(300'000)), key{hash_of(content), ""} {
    must(rig.objects.init(key));
    must(rig.objects.part(key, 1, content));
    id = must(rig.objects.session(key)).upload.id;
    must(run_blocking_for(rig.objects.meta().seal(id, 1)));
  }
  std::string content;
  object::SessionKey key;
  Id128 id;
};

std::vector<std::unique_ptr<maintain::Worker>> workers_of(ClusterRig& rig) {
  std::vector<std::unique_ptr<maintain::Worker>> workers;
  for (auto& pod : rig.pods) {
    workers.push_back(maintain::make_take_over_worker(pod->deps.base, rig.objects.objects()));
  }
  return workers;
}

// Every pod looks every 15 s, for that long.
void pass(ClusterRig& rig, std::vector<std::unique_ptr<maintain::Worker>>& workers, int steps) {
  for (int i = 0; i < steps; ++i) {
    rig.clock.advance(object::kFinishTouch);
    for (auto& worker : workers) must(run_blocking_for(worker->step()));
  }
}

bool is_sealed(ClusterRig& rig) {
  return !must(run_blocking_for(rig.objects.meta().sealed(10))).empty();
}

}  // namespace

TEST_CASE("a sealed upload is taken over once nobody has touched it for long enough") {
  ClusterRig rig(3);
  Left left(rig);
  auto workers = workers_of(rig);
  pass(rig, workers, 4);  // seen first, then three quarters of the time
  CHECK(is_sealed(rig));
  pass(rig, workers, 1);
  CHECK_FALSE(is_sealed(rig));
  CHECK(must(rig.objects.download(left.key.hash)) == left.content);
}

TEST_CASE("what a live pod touches is left to it, wherever its clock stands") {
  ClusterRig rig(3);
  Left left(rig);
  auto workers = workers_of(rig);
  for (int i = 0; i < 20; ++i) {
    must(run_blocking_for(rig.objects.meta().touch(left.id, 1000)));
    pass(rig, workers, 3);
    REQUIRE(is_sealed(rig));
  }
  pass(rig, workers, 2);
  CHECK_FALSE(is_sealed(rig));
}

TEST_CASE("one that cannot be settled is tried again, and no sooner than the first time") {
  ClusterRig rig(1);
  Left left(rig);
  auto workers = workers_of(rig);
  pass(rig, workers, 4);
  rig.clock.advance(object::kFinishTouch);
  rig.objects.faults.fail_nth(1, false);  // the call after the list
  CHECK(run_blocking_for(workers[0]->step()).has_error());
  rig.objects.faults.clear();
  CHECK(is_sealed(rig));
  pass(rig, workers, 4);
  CHECK(is_sealed(rig));
  pass(rig, workers, 1);
  CHECK_FALSE(is_sealed(rig));
}
