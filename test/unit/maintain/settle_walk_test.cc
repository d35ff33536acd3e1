// When the previous holders of changed rows may be let go.
#include "mas/maintain/settle_walk.h"

#include <thread>

#include "cluster_rig.h"
#include "mas/runtime/io_threads.h"
#include "support/meta_calls.h"

using namespace mas;
using namespace mas::test;
using membership::SliceSet;
using membership::WalkedSlices;
using membership::WalkOrder;
using std::chrono::seconds;

namespace {

constexpr std::size_t kAll = membership::kSlices;

WalkedSlices everything() { return {SliceSet().set(), SliceSet().set()}; }

// Counts what is listed, and does something once, before the first list of objects.
class WatchedMeta final : public MetaCalls<WatchedMeta> {
 public:
  using MetaCalls::MetaCalls;
  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  Task<Result<meta::ObjectPage>> list(meta::ListQuery query) override {
    if (before_objects) std::exchange(before_objects, nullptr)();
    listed.push_back(query.hex_prefix);
    return inner_->list(std::move(query));
  }

  std::function<void()> before_objects;
  std::vector<std::string> listed;
};

// Pod `pod` of the rig walks.
struct Settling {
  explicit Settling(ClusterRig& rig, std::size_t pod = 0)
      : cluster(rig),
        meta(rig.objects.failing_meta()),
        walk(maintain::make_settle_walk({meta, rig.objects.objects().upkeep(), rig.pods[pod]->board,
                                         rig.clock, io.executor(0)})) {
    io.start();
  }
  ~Settling() { run_blocking(walk->close()); }

  // One walk in this round, to its end; what was found in it.
  WalkedSlices found(WalkedSlices others = {}) {
    cluster.clock.advance(seconds(10));
    const WalkOrder order{cluster.view.layout.version, round, others};
    (void)walk->go_on(order);
    while (walk->running()) std::this_thread::yield();
    return walk->go_on(order);
  }
  // Whether a walk that begins anew now finds everything.
  bool settles() {
    ++round;
    return found() == everything();
  }

  ClusterRig& cluster;
  IoThreads io{1};
  WatchedMeta meta;
  std::uint64_t round = 1;
  std::unique_ptr<maintain::SettleWalk> walk;
};

// A member of the rig began empty: every row that holds it is settling.
void make_fresh(ClusterRig& rig, std::size_t pod) {
  ++rig.view.layout.version;
  rig.view.layout.members[pod].fresh = true;
  rig.publish();
}

// The last member drains: rows that held it have new holders.
void drain(ClusterRig& rig, std::size_t leaver) {
  auto members = rig.view.layout.members;
  members[leaver].state = layout::MemberState::draining;
  rig.view.layout = layout::next(rig.view.layout, members);
  rig.publish();
}

std::size_t slice_of(const meta::Object& object) { return object.hash.bytes[0]; }

// The stripes of an open session's only part.
std::vector<object::StripeRef> open_part(ClusterRig& rig, const std::string& content) {
  object::SessionKey key{hash_of(content), ""};
  must(rig.objects.init(key));
  must(rig.objects.part(key, 1, content));
  const Id128 upload = must(rig.objects.session(key)).upload.id;
  return stripes_of(must(run_blocking_for(rig.objects.meta().parts(upload, 0, 10)))[0].extents);
}

}  // namespace

TEST_CASE("a layout settles only when every shard is with its holder") {
  ClusterRig rig(6);
  auto small = must(rig.objects.put(make_content(3000, 1))).object;
  auto large = must(rig.objects.put(make_content(700'000, 2))).object;
  make_fresh(rig, 0);
  Settling settling(rig);
  CHECK(settling.settles());

  for (const auto& [object, shard] : {std::pair{large, 5}, std::pair{small, 2}}) {
    auto stripe = stripes_of(object).front();
    const auto partition = layout::partition_of(stripe.extent.id, stripe.number);
    const auto& row = rig.view.layout.row(partition);
    const bool matters = std::find(row.begin(), row.end(), layout::MemberIndex(0)) != row.end();
    REQUIRE(matters);
    REQUIRE(rig.lose(stripe, shard));
    CHECK_FALSE(settling.settles());
    rig.walk();
    CHECK(settling.settles());
  }
  rig.go_down(3);
  CHECK_FALSE(settling.settles());
  rig.come_back(3);
  CHECK(settling.settles());
}

TEST_CASE("rows that do not change are not waited for") {
  ClusterRig rig(6);
  auto object = must(rig.objects.put(make_content(700'000, 1))).object;
  const auto stripes = stripes_of(object);
  REQUIRE(stripes.size() > 1);
  const auto changing = layout::partition_of(stripes[0].extent.id, stripes[0].number);
  REQUIRE(layout::partition_of(stripes[1].extent.id, stripes[1].number) != changing);
  layout::Layout& layout = rig.view.layout;
  ++layout.version;
  layout.previous.resize(layout::kPartitions);
  std::vector<layout::MemberIndex> previous = layout.row(changing);
  std::swap(previous[0], previous[1]);
  layout.previous[changing] = previous;
  rig.publish();
  Settling settling(rig);
  REQUIRE(rig.lose(stripes[1], 1));
  CHECK(settling.settles());
  REQUIRE(rig.lose(stripes[0], 1));
  CHECK_FALSE(settling.settles());
}

TEST_CASE("manifests of changed rows are waited for") {
  ClusterRig rig(6);
  auto object = must(rig.objects.put(make_content(700'000, 2))).object;
  make_fresh(rig, 0);
  Settling settling(rig);
  REQUIRE(settling.settles());
  lose_manifests(rig.objects, 6);
  const auto& row = rig.view.layout.row(layout::partition_of(object.hash));
  REQUIRE(std::find(row.begin(), row.end(), layout::MemberIndex(0)) != row.end());
  CHECK_FALSE(settling.settles());
  rig.walk();
  CHECK(settling.settles());
}

TEST_CASE("a row that is narrower than the profile settles with what it has room for") {
  ClusterRig rig(6);
  auto object = must(rig.objects.put(make_content(700'000, 2))).object;
  for (std::size_t row = 0; row < rig.view.layout.rows.size(); ++row) {
    rig.view.layout.rows[row].pop_back();
  }
  const auto stripe = stripes_of(object).front();
  const auto partition = layout::partition_of(stripe.extent.id, stripe.number);
  make_fresh(rig, rig.view.layout.row(partition).front());
  Settling settling(rig);
  CHECK(settling.settles());
  REQUIRE(rig.lose(stripe, 4));
  CHECK_FALSE(settling.settles());
}

TEST_CASE("what is beyond repair does not keep a layout from settling") {
  ClusterRig rig(2);
  make_fresh(rig, 0);
  SECTION("a file that nobody has marked yet") {
    auto object = must(rig.objects.put(make_content(300'000, 1))).object;
    const auto stripe = stripes_of(object).front();
    REQUIRE(rig.lose(stripe, 0));
    REQUIRE(rig.lose(stripe, 1));
    Settling settling(rig);
    CHECK(settling.settles());
    rig.walk();
    CHECK(must(rig.objects.find(object.hash)).damaged);
    CHECK(settling.settles());
  }
  SECTION("a stripe of an open upload, which is never marked") {
    const auto stripes = open_part(rig, make_content(300'000, 1));
    REQUIRE(stripes.size() > 1);
    REQUIRE(rig.lose(stripes.front(), 0));
    REQUIRE(rig.lose(stripes.front(), 1));
    Settling settling(rig);
    CHECK(settling.settles());
    // As long as somebody is silent who may have it, it is not.
    rig.go_down(1);
    CHECK_FALSE(settling.settles());
  }
}

TEST_CASE("what only a previous holder has is brought along before anything counts as lost") {
  ClusterRig rig(2);
  const std::string content = make_content(300'000, 3);
  auto object = must(rig.objects.put(content)).object;
  drain(rig, 0);
  // Pod 1 is alone in every row: what was to be read from pod 0 it does not have.
  const auto row_has = [&](const object::StripeRef& stripe) {
    return rig.objects.store(1).payload(key_of(stripe, 0)).has_value();
  };
  std::size_t missing = 0;
  for (const auto& stripe : stripes_of(object)) missing += row_has(stripe) ? 0 : 1;
  REQUIRE(missing > 0);
  Settling settling(rig);
  rig.walk();  // manifests are the repair worker's
  for (const auto& stripe : stripes_of(object)) rig.objects.store(1).lose(key_of(stripe, 0));
  CHECK(settling.settles());
  for (const auto& stripe : stripes_of(object)) CHECK(row_has(stripe));
}

TEST_CASE("only the slice that missed something is walked again") {
  ClusterRig rig(6);
  std::vector<meta::Object> objects;
  for (std::uint64_t i = 0; i < 40; ++i) {
    objects.push_back(must(rig.objects.put(make_content(50'000, i + 1))).object);
  }
  make_fresh(rig, 0);
  const meta::Object& victim = objects[7];
  REQUIRE(rig.lose(stripes_of(victim).front(), 0));
  Settling settling(rig);
  WalkedSlices found = settling.found();
  CHECK(found.uploads.all());
  CHECK(found.objects.count() == kAll - 1);
  CHECK_FALSE(found.objects[slice_of(victim)]);
  // Not at once.
  const WalkOrder order{rig.view.layout.version, settling.round, {}};
  settling.meta.listed.clear();
  (void)settling.walk->go_on(order);
  CHECK_FALSE(settling.walk->running());
  rig.walk();
  CHECK(settling.found() == everything());
  CHECK(settling.meta.listed == std::vector<std::string>{victim.hash.hex().substr(0, 2)});
  // Nothing is left to do.
  settling.meta.listed.clear();
  CHECK(settling.found() == everything());
  CHECK(settling.meta.listed.empty());
}

TEST_CASE("what was walked before another round or layout does not count") {
  ClusterRig rig(6);
  auto object = must(rig.objects.put(make_content(700'000, 2))).object;
  make_fresh(rig, 0);
  Settling settling(rig);
  CHECK(settling.found() == everything());
  REQUIRE(rig.lose(stripes_of(object).front(), 1));
  CHECK(settling.found() == everything());  // it was in place once
  ++settling.round;
  CHECK_FALSE(settling.found() == everything());
  rig.walk();
  CHECK(settling.found() == everything());
  REQUIRE(rig.lose(stripes_of(object).front(), 1));
  ++rig.view.layout.version;
  rig.publish();
  CHECK_FALSE(settling.found() == everything());
  // Nor is anything walked for a layout that is not the present one.
  const WalkOrder older{rig.view.layout.version - 1, 99, {}};
  (void)settling.walk->go_on(older);
  while (settling.walk->running()) std::this_thread::yield();
  CHECK(settling.walk->go_on(older) == WalkedSlices{});
}

TEST_CASE("objects are walked when all uploads were, by whomever") {
  ClusterRig rig(6);
  make_fresh(rig, 0);
  // Two who walk, as their heartbeats say: each has its share.
  for (std::size_t pod : {0u, 1u}) rig.view.pods[pod].last.settling.emplace();
  rig.publish();
  Settling first(rig, 0);
  Settling second(rig, 1);
  WalkedSlices mine = first.found();
  CHECK(mine.uploads.any());
  CHECK_FALSE(mine.uploads.all());
  CHECK(mine.objects.none());
  CHECK(first.meta.listed.empty());
  WalkedSlices theirs = second.found(mine);
  CHECK((mine.uploads | theirs.uploads).all());
  CHECK((mine.uploads & theirs.uploads).none());
  CHECK((mine.objects | theirs.objects).any());
  mine = first.found(theirs);
  CHECK((mine.objects | theirs.objects).all());

  // What one who goes away had found is done already; the rest falls to the other.
  rig.view.pods[1].last.settling.reset();
  rig.publish();
  ++first.round;
  theirs.objects.reset();
  CHECK(first.found(theirs).objects.all());
}

TEST_CASE("an extent that passes from an upload to an object during a walk is seen") {
  ClusterRig rig(6);
  const std::string content = make_content(300'000, 1);
  const auto stripes = open_part(rig, content);
  make_fresh(rig, 0);
  const auto partition = layout::partition_of(stripes[0].extent.id, stripes[0].number);
  const auto& row = rig.view.layout.row(partition);
  REQUIRE(std::find(row.begin(), row.end(), layout::MemberIndex(0)) != row.end());
  Settling settling(rig);
  // Between the walk over uploads and that over objects: in one walk over each slice in turn, the
  // object's could lie before the upload's.
  bool lost = false;
  settling.meta.before_objects = [&] {
    must(rig.objects.finish({hash_of(content), ""}));
    lost = rig.lose(stripes[0], 1);
  };
  CHECK_FALSE(settling.found() == everything());
  CHECK(lost);
  rig.walk();
  CHECK(settling.found() == everything());
}

TEST_CASE("a walk may be asked for on the thread that it runs on") {
  // As membership does in a pod: the walk begins within the call.
  ClusterRig rig(3);
  must(rig.objects.put(make_content(300'000, 1)));
  make_fresh(rig, 0);
  Settling settling(rig);
  const WalkOrder order{rig.view.layout.version, 1, {}};
  auto ask = [&]() -> Task<void> {
    (void)settling.walk->go_on(order);
    co_return;
  };
  Gate gate;
  REQUIRE(spawn(settling.io.executor(0), gate, ask(), "test"));
  run_blocking(gate.close());
  while (settling.walk->running()) std::this_thread::yield();
  CHECK(settling.walk->go_on(order) == everything());
}
