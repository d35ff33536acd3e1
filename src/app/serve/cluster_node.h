// What a pod of a cluster runs besides what one alone does: heartbeats, membership, the peer port
// and the way to the other pods.
#pragma once

#include <memory>
#include <string>

#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/http/server.h"
#include "mas/maintain/cluster_ledger.h"
#include "mas/maintain/freed_board.h"
#include "mas/maintain/scheduler.h"
#include "mas/membership/membership.h"
#include "mas/object/objects.h"
#include "mas/peer/http.h"
#include "mas/store/store.h"

namespace mas::app {

// All of it outlives the node.
struct NodeDependencies {
  const config::Config& config;
  store::Store& store;
  meta::MetaStore& meta;
  IoThreads& io;
  fs::Fs& fs;
  Pool& disk;
  Clock& clock;
  Rng& rng;
  observe::Metrics& metrics;
  const maintain::Ledger& redundancy;
  const maintain::FreedBoard& freed;
};

class ClusterNode {
 public:
  virtual ~ClusterNode() = default;
  // For the parts above; both there from the beginning. The board has no layout before this pod
  // has seen one.
  virtual membership::ViewBoard& board() = 0;
  virtual peer::PeerTransport& transport() = 0;
  // How other pods are asked for their shares of the ledger, each within seconds.
  virtual maintain::ClusterLedger::Ask ledger_of() = 0;
  virtual membership::GenerationWatch& watch() = 0;

  // Opens the peer port and begins to beat. Once this pod is a member, `workers` start.
  // `api_address`: as it is bound. Errors: those of the ports, files and the broker's URL.
  virtual Task<Result<void>> start(object::Objects& objects, maintain::Scheduler& workers,
                                   std::string api_address) = 0;
  // For a rebuild of the metadata, on io thread 0: goes by the highest layout that any member kept.
  // Errors: those of asking the member that has it.
  virtual Task<Result<void>> find_newest_layout() = 0;
  // See membership::Leavers; on any thread.
  virtual Task<Result<std::uint64_t>> give_up(std::string slot) = 0;
  // Looks at the metadata store at once.
  virtual Task<void> look_again() = 0;
  // Leaves: no beats, no calls to or from other pods. Also after a start() that failed.
  virtual Task<void> stop() = 0;
};

// Errors: invalid_argument, io (the cluster's secret).
[[nodiscard]] Result<std::unique_ptr<ClusterNode>> make_cluster_node(const NodeDependencies& deps);

}  // namespace mas::app
