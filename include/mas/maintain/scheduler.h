// Background Workers (expiry, collection, compaction, scrub; repair with the cluster) under one
// scheduler with one throttle.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/maintain/ledger.h"
#include "mas/membership/cluster_view.h"
#include "mas/membership/membership.h"
#include "mas/meta/meta_store.h"
#include "mas/object/repair.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/sync.h"
#include "mas/store/store.h"

namespace mas::maintain {

// What a Worker shows to operators.
struct WorkerStatus {
  std::string name;
  bool paused = false;
  bool running = false;
  double progress = 0;  // 0 to 1 of the current pass, where it can be told
  double rate = 0;      // bytes or items a second, recent
  std::string rate_unit;
  std::uint64_t done = 0;     // items since start
  std::string last_error;     // "" if the last step was fine
  std::int64_t next_run = 0;  // Unix seconds
};

// One kind of background work, done in small steps.
class Worker {
 public:
  virtual ~Worker() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  // One bounded step. Returns how long to wait before the next one.
  virtual Task<Result<Duration>> step() = 0;
  // Fills in what only the worker knows (progress, rate, done).
  virtual void describe(WorkerStatus& status) const = 0;
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual void add(std::unique_ptr<Worker> worker) = 0;
  // Starts every worker as a coroutine on `executor`.
  virtual void start(Executor executor) = 0;
  virtual Result<void> pause(const std::string& name) = 0;
  virtual Result<void> resume(const std::string& name) = 0;
  // Ends the wait for the next step, and no pause. Errors: not_found; busy: it is paused.
  virtual Result<void> wake(const std::string& name) = 0;
  [[nodiscard]] virtual std::vector<WorkerStatus> status() const = 0;
  // Ends after the running steps.
  virtual Task<void> close() = 0;
};

[[nodiscard]] std::unique_ptr<Scheduler> make_scheduler(Clock& clock, observe::Metrics& metrics);

struct Dependencies {
  meta::MetaStore& meta;
  store::Store& store;
  const membership::ViewBoard& view;
  Clock& clock;
  observe::Metrics& metrics;
  // Asked before anything is ended or erased; null: the metadata store is always believed.
  membership::GenerationWatch* watch = nullptr;
};

// Where a pod keeps what a worker has seen for how long, so that a restart does not start that time
// anew.
struct MarksFile {
  fs::Fs& fs;
  std::string path;  // in a directory that is there
  Pool& pool;        // runs what blocks
};
// Ends open uploads that it has seen without a sign of life for `session` of its own running time.
[[nodiscard]] std::unique_ptr<Worker> make_expiry_worker(const config::Maintain&, Dependencies,
                                                         Duration session,
                                                         std::optional<MarksFile> file = {});
// `ledger`: what the census found. With too much unexplained, nothing is collected; and without a
// census nothing counts as collected, whatever has been removed. None: both go unasked.
[[nodiscard]] std::unique_ptr<Worker> make_collect_worker(const config::Maintain&, Dependencies,
                                                          Ledger* ledger = nullptr,
                                                          std::optional<MarksFile> file = {});
[[nodiscard]] std::unique_ptr<Worker> make_compact_worker(const config::Maintain&, Dependencies);
// `upkeep`: is told what is damaged, and says how busy requests are.
[[nodiscard]] std::unique_ptr<Worker> make_scrub_worker(const config::Maintain&, Dependencies,
                                                        object::Upkeep* upkeep = nullptr);

}  // namespace mas::maintain
