// One pod: everything `mas serve` runs, made in order, stopped in the reverse order.
//
// start() and stop() are called once each; stop() also after a start() that failed. The destructor
// expects that stop() has ended or that start() was never called.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/serve/backends.h"
#include "app/serve/cluster_node.h"
#include "app/serve/process_metrics.h"
#include "mas/api/api.h"
#include "mas/auth/tokens.h"
#include "mas/config/config.h"
#include "mas/http/server.h"
#include "mas/maintain/cluster_ledger.h"
#include "mas/maintain/freed_board.h"
#include "mas/maintain/rebuild.h"
#include "mas/maintain/repair.h"
#include "mas/membership/cluster_view.h"
#include "mas/object/objects.h"
#include "mas/peer/transport.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/sync.h"
#include "mas/store/directories.h"

namespace mas::app {

class Daemon {
 public:
  // `accept_lost`: data directories that are given up, as store::Directories has them.
  explicit Daemon(config::Config config, std::vector<std::string> accept_lost = {});
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Opens the data directories (recovering what a crash left), then serves. Errors: those of what
  // it opens, each naming the path or address.
  Task<Result<void>> start();
  // Stops accepting, lets running requests end within node.shutdown_timeout, then closes
  // everything so that the next start has nothing to recover. The first error is returned; the
  // rest is closed all the same.
  Task<Result<void>> stop();

  // The API's bound address, "host:port"; after start().
  [[nodiscard]] std::string address() const;
  // Where a client on this machine finds the system token.
  [[nodiscard]] std::string token_file() const;

 private:
  Result<void> open_store();
  [[nodiscard]] store::OnEmptied on_emptied();
  Result<void> open_meta();
  Result<void> open_tokens();
  Task<Result<void>> stand_alone();
  Result<void> prepare_cluster();
  Task<Result<void>> hand_over_metadata();
  void build_service();
  Task<Result<void>> join();
  Task<Result<void>> begin_work_alone();
  void build_rebuild(peer::PeerTransport& transport);
  observe::Gauge& halted_gauge();  // of a pod alone
  Task<Result<void>> before_rebuild();
  Task<Result<void>> after_rebuild(bool done);
  Task<Result<void>> look_again_alone(bool given_up);
  Task<Result<std::uint64_t>> give_up(std::string slot);
  struct Word;
  Task<void> give_up_alone(std::shared_ptr<Word> word);
  Result<void> listen();
  Task<void> stop_serving();
  [[nodiscard]] BackendDependencies backend_deps();
  [[nodiscard]] membership::ViewBoard& board();
  Task<Result<void>> close_data();
  [[nodiscard]] std::string below_data(std::string_view name) const;

  const std::vector<std::string> accept_lost_;
  config::Config config_;  // const once start() has read what it refers to
  observe::Metrics metrics_;
  std::unique_ptr<Clock> clock_;
  std::unique_ptr<Rng> rng_;
  std::unique_ptr<fs::Fs> fs_;
  ProcessMetrics process_metrics_;
  IoThreads io_;  // before the pools, whose threads resume what waits on it
  std::unique_ptr<Pool> disk_;
  std::unique_ptr<Pool> cpu_;
  std::unique_ptr<Pool> driver_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<meta::MetaStore> meta_;
  Ledger ledger_;
  // Alone: this pod's own store, a bus within the process, a view of one.
  std::vector<store::Store*> stores_;
  std::unique_ptr<peer::PeerTransport> transport_;
  std::unique_ptr<membership::HeartbeatBus> bus_;
  std::unique_ptr<membership::ViewBoard> view_;
  maintain::Ledger redundancy_{metrics_};
  maintain::FreedBoard freed_{metrics_, *clock_,
                              config_.object.record_cache + config_.meta.deadline};
  // In a cluster, instead of these.
  std::unique_ptr<ClusterNode> node_;
  std::unique_ptr<object::Objects> objects_;
  std::unique_ptr<maintain::ClusterLedger> cluster_ledger_;
  std::unique_ptr<maintain::Scheduler> workers_;
  bool working_alone_ = false;  // what a crash left is finished, and the workers run
  Gate alone_;                  // what the operator's word begins
  std::unique_ptr<maintain::RebuildService> rebuild_;
  auth::Secrets secrets_;
  std::unique_ptr<auth::Authority> authority_;
  std::unique_ptr<http::Handler> api_;
  std::unique_ptr<http::Handler> metrics_handler_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> metrics_server_;
};

}  // namespace mas::app
