#include "sim/cluster.h"

#include "mas/codec/stripe.h"
#include "mas/meta/memory.h"
#include "support/meta_calls.h"

namespace mas::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// How long it takes until others know that a pod is gone, or back.
constexpr Duration kSoonest = seconds(1);
constexpr Duration kLatest = seconds(15);

}  // namespace

Settings::Settings(Rand& rand) {
  object.unit = 16 * kKiB;
  object.stripe = 64 * kKiB;
  object.small_object = 4 * kKiB;
  object.extent = 128 * kKiB;
  object.buffer_budget = 4 * kMiB;
  object.record_cache = seconds(5);
  object.finish_wait = seconds(10);
  limits.session = minutes(5);
  store.segment_size = 256 * kKiB;
  store.frame_bytes = 128 * kKiB;
  maintain.scrub_period = minutes(1);
  maintain.collect_interval = rand.chance(0.5) ? seconds(1) : seconds(5);
  // A short one has collection race with those who use again what was given up.
  short_grace = rand.chance(0.4);
  maintain.grace = short_grace ? seconds(2) : seconds(30);
  maintain.expire_interval = seconds(10);
  maintain.compact_interval = seconds(5);
}

// Remembers which extents it has seen.
class Cluster::WatchedMeta final : public test::MetaCalls<Cluster::WatchedMeta> {
 public:
  WatchedMeta(meta::MetaStore& inner, std::set<Id128>& known) : MetaCalls(inner), known_(known) {}

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  Task<Result<void>> register_extent(Id128 upload, meta::Extent extent) override {
    MAS_CO_CHECK(co_await inner_.register_extent(upload, extent));
    known_.insert(extent.id);
    co_return Result<void>();
  }
  Task<Result<meta::CommitResult>> commit(meta::Object object, std::uint64_t expected,
                                          std::optional<Id128> from) override {
    MAS_CO_TRY(auto result, co_await inner_.commit(std::move(object), expected, from));
    if (result.committed && result.current) {
      for (const meta::Extent& extent : result.current->extents) known_.insert(extent.id);
    }
    co_return result;
  }
  Task<Result<void>> free(std::vector<meta::Extent> extents, std::int64_t now) override {
    for (const meta::Extent& extent : extents) known_.insert(extent.id);
    co_return co_await inner_.free(std::move(extents), now);
  }

 private:
  std::set<Id128>& known_;
};

Cluster::Cluster(World& world, std::size_t pods, Bug bug)
    : world_(world),
      settings_(world.rand()),
      network_(world, pods + 2),
      meta_life_(world, "meta"),
      clients_(world, "clients"),
      planted_(plant(bug, meta_life_, meta::make_memory_meta())),
      meta_(std::make_unique<WatchedMeta>(*planted_, known_)),
      believed_alive_(pods, true) {
  codec::initialise();
  for (std::size_t i = 0; i < pods; ++i) {
    const PodPlace place{world_,
                         network_,
                         settings_,
                         *meta_,
                         pods,
                         bug,
                         [this](std::size_t pod) { return view_for(pod); },
                         [this](std::size_t pod) { on_change(pod); }};
    pods_.push_back(std::make_unique<Pod>(place, i));
  }
  Host& meta_host = network_.host(pods);
  meta_host.life = &meta_life_;
  meta_host.services.meta = meta_.get();
}

Cluster::~Cluster() {
  // Clients look at pods until their end, and pods at the metadata store.
  end(clients_);
  for (const auto& pod : pods_) pod->crash(Ending::killed, std::nullopt);
  end(meta_life_);
  pods_.clear();
}

void Cluster::end(Life& life) {
  life.end();
  bool done = false;
  Gate gate;
  auto close = [](Life* closing, bool* flag) -> Task<void> {
    co_await closing->serving().close();
    *flag = true;
  };
  spawn(life.executor(), gate, close(&life, &done), "end");
  MAS_ASSERT(life.drain(done));
}

void Cluster::found() {
  std::vector<layout::Member> members;
  for (const auto& pod : pods_) {
    pod->open_only();
    members.push_back({pod->name(), pod->store().incarnation(), "", 1});
  }
  layout_ = layout::found(Id128{{1}}, std::move(members));
  const Result<void> proposed = ask(meta_life_, meta_->propose_layout(0, layout_));
  MAS_ASSERT(proposed.has_value());
  for (const auto& pod : pods_) pod->join();
}

bool Cluster::all_serving() const {
  return std::all_of(pods_.begin(), pods_.end(), [](const auto& pod) { return pod->is_serving(); });
}

membership::ClusterView Cluster::view_for(std::size_t self) const {
  membership::ClusterView view;
  view.layout = layout_;
  view.self = static_cast<layout::MemberIndex>(self);
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    membership::Pod& pod = view.pods.emplace_back();
    pod.last.slot = layout_.members[i].slot;
    pod.last.incarnation = layout_.members[i].incarnation;
    pod.last.layout_version = layout_.version;
    pod.alive = believed_alive_[i] || i == self;
    pod.self = i == self;
  }
  return view;
}

void Cluster::on_change(std::size_t pod) {
  world_.after(world_.rand().between(kSoonest, kLatest), [this, pod] {
    // What it is by now; between there and here it may have changed again.
    const bool alive = pods_[pod]->is_serving();
    if (believed_alive_[pod] == alive) return;
    believed_alive_[pod] = alive;
    publish();
  });
}

void Cluster::publish() {
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    if (pods_[i]->is_serving()) pods_[i]->board().publish(view_for(i));
  }
}

}  // namespace mas::sim
