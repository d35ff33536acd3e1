#include "sim/cluster.h"

#include <algorithm>
#include <map>

#include "mas/codec/stripe.h"
#include "mas/layout/leavers.h"
#include "mas/meta/memory.h"
#include "sim/at_once.h"
#include "sim/audit.h"
#include "sim/receipts.h"
#include "support/meta_calls.h"

namespace mas::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

Settings::Settings(Rand& rand, std::size_t pods) {
  cluster.heartbeat = seconds(2);
  cluster.suspect_after = seconds(6);
  cluster.join_after = seconds(6);
  cluster.leave_after = seconds(40);
  // Fewer than there are pods, so that a slot may leave.
  if (pods == 4 && rand.chance(0.5)) object.erasure = "2+1";
  object.unit = 16 * kKiB;
  object.stripe = 64 * kKiB;
  object.small_object = 4 * kKiB;
  object.extent = 128 * kKiB;
  object.buffer_budget = 4 * kMiB;
  object.record_cache = seconds(5);
  object.finish_wait = seconds(10);
  // Mostly shorter than clocks differ. Some uploads that are left open stay so for long.
  limits.session = rand.chance(0.25) ? minutes(20) : seconds(90);
  wild_clocks = rand.chance(0.3);
  clock_error = wild_clocks ? minutes(10) : seconds(60);
  store.segment_size = 256 * kKiB;
  store.frame_bytes = 128 * kKiB;
  maintain.scrub_period = minutes(1);
  maintain.collect_interval = rand.chance(0.5) ? seconds(1) : seconds(5);
  // A short one has collection race with those who use again what was given up.
  short_grace = rand.chance(0.4);
  maintain.grace = short_grace ? seconds(2) : seconds(30);
  maintain.expire_interval = seconds(10);
  maintain.compact_interval = seconds(5);
  maintain.repair_interval = seconds(15);
  loses_metadata = rand.chance(0.3);
  // What was on its way when the metadata was lost has no explanation afterwards.
  maintain.collect_unexplained = loses_metadata || rand.chance(0.5);
}

// Remembers which extents it has seen, and tells of changes of the layout.
class Cluster::WatchedMeta final : public test::MetaCalls<Cluster::WatchedMeta> {
 public:
  WatchedMeta(meta::MetaStore& inner, Cluster& cluster) : MetaCalls(inner), cluster_(cluster) {}

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  Task<Result<void>> register_extent(Id128 upload, meta::Extent extent) override {
    MAS_CO_CHECK(co_await inner_->register_extent(upload, extent));
    cluster_.losses_.born(extent.id);
    co_return Result<void>();
  }
  Task<Result<meta::CommitResult>> commit(meta::Object object, std::uint64_t expected,
                                          std::optional<Id128> from) override {
    MAS_CO_TRY(auto result, co_await inner_->commit(std::move(object), expected, from));
    if (result.committed && result.current) {
      for (const meta::Extent& extent : result.current->extents) cluster_.losses_.born(extent.id);
    }
    co_return result;
  }
  Task<Result<void>> free(std::vector<meta::Extent> extents, std::int64_t now) override {
    for (const meta::Extent& extent : extents) cluster_.losses_.born(extent.id);
    co_return co_await inner_->free(std::move(extents), now);
  }
  Task<Result<void>> set_damaged(Hash hash, std::uint64_t generation, bool damaged) override {
    MAS_CO_CHECK(co_await inner_->set_damaged(hash, generation, damaged));
    if (damaged) cluster_.on_damaged(hash);
    co_return Result<void>();
  }
  Task<Result<void>> propose_layout(std::uint64_t expected, layout::Layout next) override {
    MAS_CO_TRY(auto before, co_await inner_->current_layout());
    layout::Layout now = next;
    MAS_CO_CHECK(co_await inner_->propose_layout(expected, std::move(next)));
    cluster_.on_layout(before.value_or(layout::Layout()), now);
    co_return Result<void>();
  }

 private:
  Cluster& cluster_;
};

std::unique_ptr<meta::MetaStore> Cluster::make_replaceable(ReplaceableMeta** at) {
  auto made = std::make_unique<ReplaceableMeta>(meta::make_memory_meta());
  *at = made.get();
  return made;
}

Cluster::Cluster(World& world, std::size_t pods, Bug bug)
    : world_(world),
      settings_(world.rand(), pods),
      network_(world, pods + 3),
      meta_life_(world, "meta"),
      clients_(world, "clients"),
      broker_life_(world, "broker"),
      broker_(world, network_, pods + 2, settings_.cluster.suspect_after),
      losses_(world),
      planted_(plant(bug, meta_life_, make_replaceable(&replaceable_))),
      meta_(std::make_unique<WatchedMeta>(*planted_, *this)),
      stalling_(std::make_unique<StallingMeta>(*meta_, meta_life_)),
      restorer_(world, *this, *replaceable_),
      operator_(*this) {
  codec::initialise();
  for (std::size_t i = 0; i < pods; ++i) {
    const PodPlace place{world_, network_, settings_, *stalling_, pods, pods + 2, bug};
    pods_.push_back(std::make_unique<Pod>(place, i));
  }
  Host& meta_host = network_.host(pods);
  meta_host.life = &meta_life_;
  Host& broker_host = network_.host(pods + 2);
  broker_host.life = &broker_life_;
  broker_host.services.broker = &broker_;
}

Cluster::~Cluster() {
  operator_.stop();
  // Clients look at pods until their end, and pods at the metadata store.
  end(clients_);
  for (const auto& pod : pods_) pod->crash(Ending::killed, std::nullopt);
  end(meta_life_);
  end(broker_life_);
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

void Cluster::start(std::size_t count) {
  while (started_ < count) start_another();
  operator_.start();
}

bool Cluster::start_another() {
  if (started_ == pods_.size()) return false;
  pods_[started_++]->start();
  return true;
}

void Cluster::on_layout(const layout::Layout& before, const layout::Layout& now) {
  world_.note("layout", now.version, now.active_count());
  for (const layout::Member& old : before.members) {
    if (!layout::is_present(old)) continue;
    const layout::MemberIndex index = now.find(old.slot);
    const layout::Member* kept = index == layout::kNobody ? nullptr : &now.members[index];
    const bool left = kept == nullptr || !layout::is_present(*kept);
    if (!left && kept->incarnation == old.incarnation) continue;
    world_.count(left ? "slot left" : "slot taken over");
  }
  for (const layout::Member& member : now.members) {
    if (before.version > 0 && before.find(member.slot) == layout::kNobody) {
      world_.count("slot joined");
    }
  }
  check_given_up(*this, before);
  if (now.is_settled() && !before.is_settled()) {
    world_.count("layout settled");
    if (losses_.open().empty()) check_settled(*this, before);
  }
}

// The keys of all shards of an object.
std::vector<RecordKey> Cluster::shards_of(const meta::Object& object) {
  std::vector<RecordKey> keys;
  for (const meta::Extent& extent : object.extents) {
    for (std::uint64_t stripe = 0; stripe < object::stripe_count(extent); ++stripe) {
      for (std::uint16_t shard = 0; shard < extent.profile.width(); ++shard) {
        keys.push_back(RecordKey::shard(extent.id, stripe, shard));
      }
    }
  }
  return keys;
}

// Nobody knows what a pod has that is down, or on its way down.
std::optional<bool> Cluster::holds(Pod& pod, const RecordKey& key) {
  if (!pod.is_up() || pod.is_stopping()) return std::nullopt;
  return at_once(pod.store().stat(key)).has_value();
}

// What is on a disk that is only not mounted is not lost.
void Cluster::on_damaged(const Hash& hash) {
  const auto found = at_once(meta_->find(hash));
  if (!*found) return;
  // What was lost for good is left in directories that were replaced before.
  if (losses_.is_lost_for_good(**found)) return;
  std::map<std::pair<Id128, std::uint64_t>, int> there;
  for (const RecordKey& key : shards_of(**found)) {
    int& held = there[{key.extent(), key.major}];
    held += std::any_of(pods_.begin(), pods_.end(), [&](const auto& pod) {
      // What has rotted nobody can tell from outside.
      if (losses_.any_hidden(pod->index())) return false;
      if (!pod->is_mounted() && pod->has_set_aside(key)) return true;
      return holds(*pod, key).value_or(false);
    });
  }
  for (const meta::Extent& extent : (*found)->extents) {
    for (std::uint64_t stripe = 0; stripe < object::stripe_count(extent); ++stripe) {
      if (there[{extent.id, stripe}] < extent.profile.k) return;
    }
  }
  world_.violate("generation " + std::to_string((*found)->generation) +
                 " is called damaged while a disk that is not mounted has what it lacks");
}

void Cluster::unmount(Pod& pod, Duration down) {
  std::set<RecordKey> held;
  for (const meta::Object& object : objects()) {
    for (const RecordKey& key : shards_of(object)) {
      if (holds(pod, key).value_or(true)) held.insert(key);
    }
  }
  pod.unmount(down, std::move(held));
}

void Cluster::mount(Pod& pod) {
  const layout::Layout now = layout();
  const bool joined = std::any_of(now.members.begin(), now.members.end(), [&](const auto& member) {
    return pod.incarnation() == member.incarnation;
  });
  std::set<Id128> firsts;
  for (const meta::Object& object : objects()) {
    if (!joined || object.state != meta::ObjectState::live) continue;
    for (const RecordKey& key : shards_of(object)) {
      if (holds(pod, key).value_or(true) && !pod.has_set_aside(key))
        firsts.insert(object.extents.front().id);
    }
  }
  // Whoever counts on that directory does not know yet that it is gone.
  if (joined) losses_.away(pod.index());
  losses_.add_below(pod.index(), firsts);
  pod.mount(seconds(1));
}

std::vector<meta::Object> Cluster::objects() {
  std::vector<meta::Object> all;
  meta::ListQuery query;
  query.include_condemned = true;
  for (;;) {
    auto page = at_once(meta_->list(query));
    all.insert(all.end(), page->objects.begin(), page->objects.end());
    if (!page->next) return all;
    query.after = page->next;
  }
}

std::vector<meta::Extent> Cluster::uploading() { return uploading(*meta_); }

std::vector<meta::Extent> Cluster::uploading(meta::MetaStore& meta) {
  constexpr std::uint32_t kAll = 100'000;
  std::vector<meta::Extent> extents;
  const auto uploads = at_once(meta.uploads(std::nullopt, kAll));
  for (const meta::Upload& upload : *uploads) {
    const auto parts = at_once(meta.parts(upload.id, 0, kAll));
    for (const meta::Part& part : *parts) {
      extents.insert(extents.end(), part.extents.begin(), part.extents.end());
    }
  }
  return extents;
}

layout::Layout Cluster::layout() {
  auto found = at_once(meta_->current_layout());
  return *found ? **std::move(found) : layout::Layout();
}

Profile Cluster::profile() {
  return Profile::parse(settings_.object.erasure)
      .value_or(layout::profile_for(layout().active_count()));
}

Pod* Cluster::pod_of(const layout::Layout& layout, layout::MemberIndex member) {
  const layout::Member& wanted = layout.members.at(member);
  for (const auto& pod : pods_) {
    if (pod->name() == wanted.slot) {
      return pod->incarnation() == wanted.incarnation ? pod.get() : nullptr;
    }
  }
  return nullptr;
}

bool Cluster::any_refused() {
  return std::any_of(pods_.begin(), pods_.end(), [](const auto& pod) { return pod->is_refused(); });
}

bool Cluster::all_up() {
  return std::all_of(pods_.begin(), pods_.end(), [](const auto& pod) { return pod->is_up(); });
}

std::string Cluster::not_serving_because() {
  for (const auto& pod : pods_) {
    if (pod->index() >= started_) continue;
    std::string why = pod->not_serving_because(started_);
    if (!why.empty()) return pod->name() + ": " + why;
  }
  return "";
}

std::string Cluster::awaited() {
  std::string all;
  for (const auto& pod : pods_) {
    if (!pod->is_up()) continue;
    for (const std::string& sentence : pod->board().current()->waiting) {
      all += "; " + pod->name() + " waits: " + sentence;
    }
  }
  const layout::Layout now = layout();
  for (const layout::Member& member : now.members) {
    all += "; " + member.slot + " " + std::to_string(static_cast<int>(member.state));
  }
  return all;
}

}  // namespace mas::sim
