// A cluster that grew, so that some of what it holds has no second copy: a pod leaves and comes
// back.
#include <thread>

#include "finished_look.h"
#include "mas/layout/leavers.h"
#include "mas/maintain/settle_walk.h"
#include "mas/runtime/io_threads.h"

using namespace mas;
using namespace mas::test;
using membership::Look;
using std::chrono::seconds;

namespace {

constexpr std::size_t kPods = 8;

class Leaving {
 public:
  // Files written while there were `first` members, then grown to seven.
  explicit Leaving(std::size_t first) : rig(kPods) {
    all_ = rig.view.layout.members;
    show(layout::found(rig.view.layout.cluster, some(first)));
    io_.start();
    walk_ = maintain::make_settle_walk(walk_deps());
    look_ = maintain::make_leavers_look(look_deps());
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      const std::string content = make_content(seed % 2 == 0 ? 3000 + seed : 300'000 + seed, seed);
      files.emplace_back(must(rig.objects.put(content)).object, content);
    }
    REQUIRE(files.front().first.extents.front().profile.width() == static_cast<int>(first));
    show(layout::next(rig.view.layout, some(7)));
    settle();
    drop_misplaced();
  }
  ~Leaving() {
    run_blocking(walk_->close());
    run_blocking(look_->close());
  }

  void show(layout::Layout layout) {
    rig.view.layout = std::move(layout);
    rig.publish();
  }
  // Repairs until the layout may settle, and settles it.
  void settle() {
    REQUIRE(settles());
    show(layout::settled(rig.view.layout));
  }
  bool settles() {
    rig.walk();
    rig.walk();
    rig.clock.advance(seconds(60));
    const membership::WalkOrder order{rig.view.layout.version, ++round_, {}};
    (void)walk_->go_on(order);
    while (walk_->running()) std::this_thread::yield();
    const membership::WalkedSlices found = walk_->go_on(order);
    return found.objects.all() && found.uploads.all();
  }
  Look look() { return test::finished_look(rig, *look_); }
  // What the census does in time.
  void drop_misplaced() {
    for (std::size_t pod = 0; pod < kPods; ++pod) {
      for (const RecordKey& key : rig.objects.store(pod).keys()) {
        if (key.kind != RecordKind::shard) continue;
        const std::uint32_t partition = layout::partition_of(key.extent(), key.major);
        auto holder = object::row_holder(rig.view.layout, partition, key.minor);
        if (!holder || *holder != pod) (void)rig.objects.store(pod).lose(key);
      }
    }
  }
  // Pods that hold a shard of this file's first stripe.
  std::set<std::size_t> holders(const meta::Object& object) {
    std::set<std::size_t> pods;
    const auto stripe = stripes_of(object).front();
    for (int shard = 0; shard < stripe.extent.profile.width(); ++shard) {
      pods.insert(rig.holder_of(stripe, shard));
    }
    return pods;
  }
  void leave(const std::set<std::size_t>& pods) {
    std::vector<layout::Member> stay;
    for (std::size_t i = 0; i < 7; ++i) {
      if (!pods.contains(i)) stay.push_back(all_[i]);
    }
    show(layout::next(rig.view.layout, stay));
  }
  void join_another() {
    std::vector<layout::Member> now;
    for (const layout::Member& member : rig.view.layout.members) {
      if (layout::is_present(member)) now.push_back(member);
    }
    now.push_back(all_[7]);
    show(layout::next(rig.view.layout, now));
  }
  std::size_t readable() {
    std::size_t count = 0;
    for (const auto& [object, content] : files) {
      Result<std::string> read = rig.objects.download(object.hash);
      count += read.has_value() && *read == content ? 1 : 0;
      if (read.has_error()) CHECK(read.error().code() == Code::too_few_pods_read);
    }
    return count;
  }
  std::size_t damaged() {
    std::size_t count = 0;
    for (const auto& [object, content] : files) {
      count += must(rig.objects.find(object.hash)).damaged ? 1 : 0;
    }
    return count;
  }

  ClusterRig rig;
  std::vector<std::pair<meta::Object, std::string>> files;

 private:
  std::vector<layout::Member> some(std::size_t count) {
    return {all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count)};
  }
  maintain::SettleDependencies walk_deps() {
    return {rig.objects.failing_meta(), rig.objects.objects().upkeep(), rig.pods[0]->board,
            rig.clock, io_.executor(0)};
  }
  maintain::LookDependencies look_deps() {
    return {rig.objects.failing_meta(),
            rig.objects.objects().upkeep(),
            rig.pods[0]->board,
            rig.clock,
            io_.executor(0),
            rig.objects.transport()};
  }

  std::uint64_t round_ = 0;
  std::vector<layout::Member> all_;
  IoThreads io_{1};
  std::unique_ptr<maintain::SettleWalk> walk_;
  std::unique_ptr<maintain::LeaversLook> look_;
};

}  // namespace

TEST_CASE("after 1 to 7, a pod that leaves and comes back loses no file that only it had") {
  const std::size_t first = GENERATE(1, 2);
  Leaving cluster(first);
  CHECK(cluster.readable() == cluster.files.size());
  // Whoever asks and is asked stays.
  std::set<std::size_t> gone;
  for (const auto& [object, content] : cluster.files) {
    gone = cluster.holders(object);
    if (!gone.contains(0) && gone.size() == first) break;
  }
  REQUIRE_FALSE(gone.contains(0));
  for (std::size_t pod : gone) cluster.rig.go_down(pod);
  cluster.leave(gone);
  CHECK(layout::sources(cluster.rig.view.layout).size() == first);

  // The layout settles, others join, and nothing is called lost.
  cluster.settle();
  CHECK(cluster.readable() < cluster.files.size());
  CHECK(cluster.damaged() == 0);
  CHECK(cluster.look() == Look::needed);
  cluster.join_another();
  cluster.settle();
  CHECK(cluster.damaged() == 0);
  CHECK(cluster.look() == Look::needed);

  SECTION("it comes back with what it held") {
    for (std::size_t pod : gone) cluster.rig.come_back(pod);
    CHECK(cluster.readable() == cluster.files.size());
    cluster.rig.walk();
    cluster.rig.walk();
    CHECK(cluster.look() == Look::whole);
    cluster.show(
        layout::given_up(cluster.rig.view.layout, layout::sources(cluster.rig.view.layout)));
    for (std::size_t pod : gone) cluster.rig.go_down(pod);
    CHECK(cluster.readable() == cluster.files.size());
    CHECK(cluster.damaged() == 0);
  }
  SECTION("it never does, and that is said") {
    cluster.show(
        layout::given_up(cluster.rig.view.layout, layout::sources(cluster.rig.view.layout)));
    cluster.rig.walk();
    cluster.rig.walk();
    CHECK(cluster.damaged() > 0);
    CHECK(cluster.look() == Look::whole);
  }
}

TEST_CASE("what is written at four and two is whole without a pod that leaves, and it is let go") {
  Leaving cluster(1);
  // As after all has been sent again.
  for (auto& [object, content] : cluster.files) must(cluster.rig.objects.remove(object.hash));
  cluster.files.clear();
  for (std::uint64_t seed = 11; seed <= 14; ++seed) {
    const std::string content = make_content(300'000 + seed, seed);
    cluster.files.emplace_back(must(cluster.rig.objects.put(content)).object, content);
  }
  cluster.rig.go_down(3);
  cluster.leave({3});
  CHECK(cluster.look() == Look::incomplete);
  cluster.settle();
  CHECK(cluster.look() == Look::whole);
  CHECK(cluster.readable() == cluster.files.size());
}
