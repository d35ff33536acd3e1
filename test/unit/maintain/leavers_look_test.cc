// When the data directories of those who have left may be emptied.
#include "mas/maintain/leavers_look.h"

#include "finished_look.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/sync.h"

using namespace mas;
using namespace mas::test;
using membership::Look;
using std::chrono::seconds;

namespace {

struct Looking {
  explicit Looking(ClusterRig& rig)
      : cluster(rig),
        look(maintain::make_leavers_look({rig.objects.failing_meta(),
                                          rig.objects.objects().upkeep(), rig.pods[0]->board,
                                          rig.clock, io.executor(0), rig.objects.transport()})) {
    io.start();
  }
  ~Looking() { run_blocking(look->close()); }

  Look finds() { return test::finished_look(cluster, *look); }
  // A whole look is not repeated under the same layout.
  void forget() {
    ++cluster.view.layout.version;
    cluster.publish();
  }

  ClusterRig& cluster;
  IoThreads io{1};
  std::unique_ptr<maintain::LeaversLook> look;
};

}  // namespace

TEST_CASE("who has left is done without only when everything is whole with the others") {
  ClusterRig rig(6);
  auto small = must(rig.objects.put(make_content(3000, 1))).object;
  auto large = must(rig.objects.put(make_content(700'000, 2))).object;
  Looking looking(rig);
  CHECK(looking.finds() == Look::whole);
  looking.forget();
  for (const meta::Object& object : {small, large}) {
    const auto stripe = stripes_of(object).back();
    REQUIRE(rig.lose(stripe, stripe.extent.profile.width() - 1));
    CHECK(looking.finds() == Look::incomplete);
    // Until another look says otherwise.
    CHECK(looking.look->look(rig.view.layout.version) == Look::incomplete);
    rig.walk();
    CHECK(looking.finds() == Look::whole);
    looking.forget();
  }
  rig.go_down(2);
  CHECK(looking.finds() == Look::incomplete);
}

TEST_CASE(
    "a stripe that nobody present can read keeps who has left, though the layout may settle") {
  ClusterRig rig(2);
  auto object = must(rig.objects.put(make_content(300'000, 1))).object;
  const auto stripe = stripes_of(object).front();
  REQUIRE(rig.lose(stripe, 0));
  REQUIRE(rig.lose(stripe, 1));
  Looking looking(rig);
  rig.go_down(0);
  CHECK(looking.finds() == Look::incomplete);
  rig.come_back(0);
  CHECK(looking.finds() == Look::needed);
  // Marked after everybody was asked, it counts no more.
  rig.walk();
  CHECK(must(rig.objects.find(object.hash)).damaged);
  CHECK(looking.finds() == Look::whole);
}

TEST_CASE("a row that is narrower than a profile needs does not hide what is missing") {
  ClusterRig rig(6);
  auto object = must(rig.objects.put(make_content(700'000, 2))).object;
  for (std::size_t row = 0; row < rig.view.layout.rows.size(); ++row) {
    while (rig.view.layout.rows[row].size() > 3) rig.view.layout.rows[row].pop_back();
  }
  // Shards of other positions lie where they were.
  rig.publish();
  Looking looking(rig);
  CHECK(looking.finds() == Look::whole);
  looking.forget();
  const auto stripe = stripes_of(object).front();
  for (std::size_t pod = 0; pod < 6; ++pod) {
    for (int shard : {3, 4, 5}) (void)rig.objects.store(pod).lose(key_of(stripe, shard));
  }
  CHECK(looking.finds() == Look::needed);
}

TEST_CASE("a slice that was found whole is not looked at again under the same layout") {
  ClusterRig rig(6);
  std::vector<meta::Object> objects;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    objects.push_back(must(rig.objects.put(make_content(3000, seed))).object);
  }
  REQUIRE(objects[0].hash.bytes[0] != objects[1].hash.bytes[0]);
  Looking looking(rig);
  const auto missing = stripes_of(objects[0]).back();
  const auto whole = stripes_of(objects[1]).back();
  REQUIRE(rig.lose(missing, 0));
  CHECK(looking.finds() == Look::incomplete);
  // What is lost since then is a loss like any other, which those who have left need not cover.
  REQUIRE(rig.lose(whole, 0));
  must(run_blocking_for(rig.objects.objects().upkeep().repair(missing, object::Care::thorough)));
  CHECK(looking.finds() == Look::whole);
  looking.forget();
  CHECK(looking.finds() == Look::incomplete);
}

TEST_CASE("a look that ends where it was asked for holds up nobody") {
  ClusterRig rig(2);
  Looking looking(rig);
  // The board does not show that layout yet, so that there is nothing to wait for.
  const std::uint64_t version = rig.view.layout.version + 1;
  auto ask = [](maintain::LeaversLook& look, std::uint64_t of) -> Task<void> {
    (void)look.look(of);
    co_return;
  };
  Gate gate;
  REQUIRE(spawn(looking.io.executor(0), gate, ask(*looking.look, version), "test"));
  run_blocking(gate.close());
  CHECK(looking.look->look(version) == Look::incomplete);
}
