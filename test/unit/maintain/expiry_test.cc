#include "rig.h"

using namespace mas;
using namespace mas::test;
using std::chrono::seconds;

namespace {

meta::Upload open(MaintainRig& rig, std::int64_t lives) {
  meta::Upload upload;
  upload.id = rig.rng->id();
  rig.rng->fill(upload.hash.bytes);
  upload.expires = rig.now() + lives;
  return rig.get(rig.meta->open(upload));
}

bool there(MaintainRig& rig, const meta::Upload& upload) {
  return rig.get(rig.meta->find_upload(upload.id)).has_value();
}

}  // namespace

TEST_CASE("uploads whose time has passed are ended and their extents freed") {
  MaintainRig rig;
  auto worker = maintain::make_expiry_worker(rig.options, rig.deps());
  meta::Upload early = open(rig, 10), late = open(rig, 100), sealed = open(rig, 10);
  meta::Extent extent = rig.extent();
  must(run_blocking_for(rig.meta->register_extent(early.id, extent)));
  rig.get(rig.meta->seal(sealed.id, 0));
  CHECK(must(rig.step(*worker)) == rig.options.expire_interval);
  CHECK(there(rig, early));
  rig.clock.advance(seconds(11));
  must(rig.step(*worker));
  CHECK_FALSE(there(rig, early));
  CHECK(there(rig, late));
  CHECK(there(rig, sealed));
  auto freed = rig.get(rig.meta->freed(0, 10));
  REQUIRE(freed.size() == 1);
  CHECK(freed[0].extent == extent);
  CHECK(freed[0].freed_at == rig.now());
}

TEST_CASE("many expired uploads are ended step by step") {
  MaintainRig rig;
  auto worker = maintain::make_expiry_worker(rig.options, rig.deps());
  for (int i = 0; i < 250; ++i) open(rig, 1);
  rig.clock.advance(seconds(5));
  CHECK(must(rig.step(*worker)) == Duration(0));
  CHECK(must(rig.step(*worker)) == Duration(0));
  CHECK(must(rig.step(*worker)) == rig.options.expire_interval);
  CHECK(rig.get(rig.meta->expired(INT64_MAX, 1000)).empty());
  maintain::WorkerStatus status;
  worker->describe(status);
  CHECK(status.done == 250);
}
