// When the previous holders of changed rows may be let go.
#include "mas/maintain/settle_walk.h"

#include <thread>

#include "cluster_rig.h"
#include "mas/runtime/io_threads.h"
#include "support/throwing_meta.h"

using namespace mas;
using namespace mas::test;
using std::chrono::seconds;

namespace {

struct Settling {
  explicit Settling(ClusterRig& rig) : Settling(rig, rig.objects.failing_meta()) {}
  Settling(ClusterRig& rig, meta::MetaStore& meta)
      : cluster(rig),
        walk(maintain::make_settle_walk({meta, rig.objects.objects().upkeep(), rig.pods[0]->board,
                                         rig.clock, io.executor(0), rig.objects.transport()})) {
    io.start();
  }
  ~Settling() { run_blocking(walk->close()); }

  // Asks until a walk has ended that began after now. What it found.
  bool settles(std::uint64_t version) {
    cluster.clock.advance(seconds(10));
    const Instant since = cluster.clock.now();
    CHECK_FALSE(walk->complete(version, since));
    while (walk->running()) std::this_thread::yield();
    return walk->complete(version, since);
  }

  ClusterRig& cluster;
  IoThreads io{1};
  std::unique_ptr<maintain::SettleWalk> walk;
};

}  // namespace

TEST_CASE("a layout settles only when every shard is with its holder") {
  ClusterRig rig(6);
  auto small = must(rig.objects.put(make_content(3000, 1))).object;
  auto large = must(rig.objects.put(make_content(700'000, 2))).object;
  const std::uint64_t version = rig.view.layout.version;
  Settling settling(rig);
  CHECK(settling.settles(version));
  // Not under another layout than the present one.
  CHECK_FALSE(settling.settles(version + 1));

  REQUIRE(rig.lose(stripes_of(large).front(), 5));
  CHECK_FALSE(settling.settles(version));
  rig.walk();
  CHECK(settling.settles(version));
  REQUIRE(rig.lose(stripes_of(small).front(), 2));
  CHECK_FALSE(settling.settles(version));
  rig.walk();
  CHECK(settling.settles(version));

  rig.go_down(3);
  CHECK_FALSE(settling.settles(version));
  rig.come_back(3);
  CHECK(settling.settles(version));
}

TEST_CASE("a row that is narrower than the profile settles with what it has room for") {
  ClusterRig rig(6);
  auto object = must(rig.objects.put(make_content(700'000, 2))).object;
  for (std::size_t row = 0; row < rig.view.layout.rows.size(); ++row) {
    rig.view.layout.rows[row].pop_back();
  }
  rig.publish();
  Settling settling(rig);
  CHECK(settling.settles(rig.view.layout.version));
  REQUIRE(rig.lose(stripes_of(object).front(), 4));
  CHECK_FALSE(settling.settles(rig.view.layout.version));
}

TEST_CASE("what no repair can make whole does not keep a layout from settling") {
  ClusterRig rig(2);
  auto object = must(rig.objects.put(make_content(300'000, 1))).object;
  const auto stripe = stripes_of(object).front();
  REQUIRE(rig.lose(stripe, 0));
  REQUIRE(rig.lose(stripe, 1));
  Settling settling(rig);
  CHECK(settling.settles(rig.view.layout.version));
  rig.go_down(1);  // it may have some
  CHECK_FALSE(settling.settles(rig.view.layout.version));
  rig.come_back(1);
  rig.walk();  // finds it, and marks it
  CHECK(must(rig.objects.find(object.hash)).damaged);
  CHECK(settling.settles(rig.view.layout.version));
}

TEST_CASE("a walk that throws is followed by another") {
  ClusterRig rig(6);
  must(rig.objects.put(make_content(3000, 1)));
  ThrowingMeta meta(rig.objects.meta());
  Settling settling(rig, meta);
  const std::uint64_t version = rig.view.layout.version;
  meta.at = 0;
  CHECK_FALSE(settling.settles(version));
  REQUIRE(meta.thrown);
  CHECK(settling.settles(version));
}
