// The cluster that is simulated: pods, the metadata store, the clients' host, the network between
// them, and who is believed to be alive.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "mas/config/config.h"
#include "sim/disk.h"
#include "sim/network.h"
#include "sim/pod.h"

namespace mas::sim {

// Sizes that put many boundaries into little data, and times that let a run see everything end.
struct Settings {
  // Some of them by chance.
  explicit Settings(Rand& rand);
  config::Object object;
  config::Limits limits;
  config::Store store;
  config::Maintain maintain;
  // Shorter than messages live: a shard may arrive after its extent was collected, and stays.
  bool short_grace = false;
};

// Hosts 0 to pods - 1 are the pods, then the metadata store, then the clients.
class Cluster {
 public:
  Cluster(World& world, std::size_t pods, Bug bug);
  // Pods are stopped as by a crash.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Starts all pods for the first time and founds the layout.
  void found();

  [[nodiscard]] std::size_t size() const noexcept { return pods_.size(); }
  [[nodiscard]] Pod& pod(std::size_t index) { return *pods_.at(index); }
  [[nodiscard]] HostIndex meta_host() const noexcept { return pods_.size(); }
  [[nodiscard]] HostIndex client_host() const noexcept { return pods_.size() + 1; }
  [[nodiscard]] Network& network() noexcept { return network_; }
  // The metadata store itself, without the network.
  [[nodiscard]] meta::MetaStore& meta() noexcept { return *meta_; }
  [[nodiscard]] Life& clients() noexcept { return clients_; }
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] const layout::Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] bool all_serving() const;
  // Whether the metadata store ever had to do with this extent.
  [[nodiscard]] bool was_known(const Id128& extent) const { return known_.contains(extent); }

  // Runs a coroutine that talks to stores directly, to its end; for checks between events.
  template <class T>
  T ask(Life& life, Task<T> task);

 private:
  class WatchedMeta;
  static void end(Life& life);
  // Tells a starting pod what is known of the others, and all of them, after a while, what became
  // of one.
  membership::ClusterView view_for(std::size_t pod) const;
  void on_change(std::size_t pod);
  void publish();

  World& world_;
  const Settings settings_;
  Network network_;
  Life meta_life_;
  Life clients_;
  std::set<Id128> known_;
  std::unique_ptr<meta::MetaStore> planted_;
  std::unique_ptr<meta::MetaStore> meta_;
  layout::Layout layout_;
  std::vector<bool> believed_alive_;
  std::vector<std::unique_ptr<Pod>> pods_;
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
