// The cluster that is simulated: pods, the metadata store, the broker, the clients' host, and the
// network between them.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "mas/config/config.h"
#include "sim/bus.h"
#include "sim/disk.h"
#include "sim/losses.h"
#include "sim/metadata.h"
#include "sim/network.h"
#include "sim/operator.h"
#include "sim/pod.h"

namespace mas::sim {

// Sizes that put many boundaries into little data, and times that let a run see everything end.
struct Settings {
  // Some of them by chance.
  Settings(Rand& rand, std::size_t pods);
  config::Cluster cluster;
  config::Object object;
  config::Limits limits;
  config::Store store;
  config::Maintain maintain;
  // Shorter than messages live: a shard may arrive after its extent was collected, and stays.
  bool short_grace = false;
  bool loses_metadata = false;  // once, in this run
  // Clocks differ by more than anything lasts here, as days do where uploads live for one.
  bool wild_clocks = false;
  Duration clock_error{};  // at most, either way
};

// Hosts 0 to pods - 1 are the pods, then the metadata store, the clients and the broker.
class Cluster {
 public:
  Cluster(World& world, std::size_t pods, Bug bug);
  // Pods are stopped as by a crash.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Starts the first `count` pods: the first one founds the cluster, the others join it.
  void start(std::size_t count);
  // One more, for the first time; false if there is none left.
  bool start_another();

  [[nodiscard]] std::size_t size() const noexcept { return pods_.size(); }
  [[nodiscard]] Pod& pod(std::size_t index) { return *pods_.at(index); }
  [[nodiscard]] HostIndex meta_host() const noexcept { return pods_.size(); }
  [[nodiscard]] HostIndex client_host() const noexcept { return pods_.size() + 1; }
  [[nodiscard]] HostIndex broker_host() const noexcept { return pods_.size() + 2; }
  [[nodiscard]] Network& network() noexcept { return network_; }
  // What pods ask of the metadata store stalls now and then.
  void set_meta_stalls(bool stalls) { stalling_->set_stalls(stalls); }
  // The metadata store itself, without the network.
  [[nodiscard]] meta::MetaStore& meta() noexcept { return *meta_; }
  [[nodiscard]] Restorer& restorer() noexcept { return restorer_; }
  [[nodiscard]] Life& meta_life() noexcept { return meta_life_; }
  [[nodiscard]] Life& clients() noexcept { return clients_; }
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  // What the metadata store says now.
  [[nodiscard]] layout::Layout layout();
  // Of what is written now.
  [[nodiscard]] Profile profile();
  // The pod that a member stands for; nullptr if that pod has other data by now.
  [[nodiscard]] Pod* pod_of(const layout::Layout& layout, layout::MemberIndex member);
  [[nodiscard]] const Operator& whoever_runs_it() const noexcept { return operator_; }
  [[nodiscard]] bool any_refused();
  [[nodiscard]] bool all_up();
  // All that were started are members, and everybody knows it; "" then, else what is missing.
  [[nodiscard]] std::string not_serving_because();
  // What the pods say that the layout waits for, and the state of its members.
  [[nodiscard]] std::string awaited();
  [[nodiscard]] World& world() noexcept { return world_; }
  [[nodiscard]] Losses& losses() noexcept { return losses_; }
  // What the metadata store has now: all records, and the extents of the parts of all uploads.
  [[nodiscard]] std::vector<meta::Object> objects();
  [[nodiscard]] std::vector<meta::Extent> uploading();
  [[nodiscard]] static std::vector<meta::Extent> uploading(meta::MetaStore& meta);

  // The pod starts without its disk; the disk is there again, and what is only in the directory
  // that took its place is lost.
  void unmount(Pod& pod, Duration down);
  void mount(Pod& pod);

  // Runs a coroutine that talks to stores directly, to its end; for checks between events.
  template <class T>
  T ask(Life& life, Task<T> task);

 private:
  class WatchedMeta;
  static void end(Life& life);
  static std::unique_ptr<meta::MetaStore> make_replaceable(ReplaceableMeta** at);
  [[nodiscard]] static std::optional<bool> holds(Pod& pod, const RecordKey& key);
  static std::vector<RecordKey> shards_of(const meta::Object& object);
  void on_layout(const layout::Layout& before, const layout::Layout& now);
  void on_damaged(const Hash& hash);

  World& world_;
  const Settings settings_;
  Network network_;
  Life meta_life_;
  Life clients_;
  Life broker_life_;
  Broker broker_;
  Losses losses_;
  ReplaceableMeta* replaceable_ = nullptr;
  std::unique_ptr<meta::MetaStore> planted_;
  std::unique_ptr<meta::MetaStore> meta_;
  std::unique_ptr<StallingMeta> stalling_;
  Restorer restorer_;
  Operator operator_;
  std::vector<std::unique_ptr<Pod>> pods_;
  std::size_t started_ = 0;
};

template <class T>
T Cluster::ask(Life& life, Task<T> task) {
  auto answer = std::make_shared<std::optional<T>>();
  auto run = [](Task<T> inner, std::shared_ptr<std::optional<T>> into) -> Task<void> {
    into->emplace(co_await std::move(inner));
  };
  spawn(life.executor(), life.serving(), run(std::move(task), answer), "check");
  const auto done = [&] { return answer->has_value(); };
  MAS_ASSERT(world_.run_until(done, std::chrono::hours(1), true));
  return std::move(**answer);
}

}  // namespace mas::sim
