// Node: a pod as one of a cluster: src/app/serve/cluster_node.cc over the simulated network.
#pragma once

#include <memory>

#include "app/serve/early_watch.h"
#include "app/serve/layout_duties.h"
#include "app/serve/refreshing_transport.h"
#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/maintain/leavers_look.h"
#include "mas/maintain/scheduler.h"
#include "sim/bugs.h"
#include "sim/links.h"

namespace mas::sim {

// All of it outlives the node.
struct NodeDependencies {
  Network& network;
  Life& life;
  HostIndex host;
  HostIndex broker;
  const config::Cluster& options;
  const std::string& erasure;  // config::Object's
  std::string slot;
  store::Store& store;
  peer::PeerTransport& own;  // the store as member 0
  meta::MetaStore& meta;
  fs::Fs& fs;
  Pool& disk;
  Clock& clock;
  Rng& rng;
  observe::Metrics& metrics;
  Bug bug;
};

class Node {
 public:
  explicit Node(const NodeDependencies& deps);

  [[nodiscard]] membership::ViewBoard& board() noexcept { return board_; }
  [[nodiscard]] peer::PeerTransport& transport() noexcept { return *refreshing_; }
  [[nodiscard]] membership::GenerationWatch& watch() noexcept { return watch_; }
  // As those of ClusterNode.
  Task<Result<void>> find_newest_layout();
  Task<void> look_again();
  Task<Result<std::uint64_t>> give_up(std::string slot);
  Task<Result<void>> start(object::Objects& objects, maintain::Scheduler& workers);
  // Also if start() failed or never ran.
  Task<void> stop();
  // A member of a layout that the metadata store confirmed; the workers run.
  [[nodiscard]] bool is_working() const noexcept { return is_working_; }

 private:
  [[nodiscard]] PeerLink::Place place() const;
  [[nodiscard]] membership::Self who() const;
  Task<void> begin_work(maintain::Scheduler& workers);

  const NodeDependencies deps_;
  const PodId self_;
  Gate gate_;
  membership::ViewBoard board_;
  std::unique_ptr<PeerLink> link_;
  std::unique_ptr<peer::PeerTransport> transport_;
  std::unique_ptr<app::RefreshingTransport> refreshing_;
  ProbeLink prober_;
  PeerPort port_;
  std::unique_ptr<maintain::SettleWalk> walk_;
  std::unique_ptr<maintain::LeaversLook> look_;
  std::unique_ptr<membership::LayoutDuties> duties_;
  std::unique_ptr<membership::HeartbeatBus> bus_;
  std::unique_ptr<membership::Membership> membership_;
  membership::Leavers* leavers_ = nullptr;  // a part of it
  app::EarlyWatch watch_;
  bool is_working_ = false;
};

}  // namespace mas::sim
