// Pod: what `mas serve` runs, wired over the simulated seams. Its disk and its name outlive its
// processes; start(), crash() and stop() are not called from its own handlers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "mas/config/config.h"
#include "mas/maintain/rebuild.h"
#include "mas/maintain/scheduler.h"
#include "mas/membership/cluster_view.h"
#include "mas/object/objects.h"
#include "mas/store/store.h"
#include "sim/acknowledged.h"
#include "sim/disk.h"
#include "sim/network.h"

namespace mas::sim {

struct Settings;

// What all pods have in common.
struct PodPlace {
  World& world;
  Network& network;
  const Settings& settings;
  meta::MetaStore& meta;  // without the network
  HostIndex meta_host;
  HostIndex broker_host;
  Bug bug;
};

class Pod {
 public:
  Pod(const PodPlace& place, std::size_t index);
  ~Pod();
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;

  // Opens the store, and joins the cluster. What the disk does not allow is tried again later.
  void start();

  // Ends the process where it is. `restart_after`: nullopt, it stays down.
  void crash(Ending ending, std::optional<Duration> restart_after);
  // Its disk is gone: it starts with an empty one after `down`.
  void lose_disk(Duration down);
  // Its disk, which has the records `held` and maybe others, is not mounted: it starts with an
  // empty directory after `down`, until mount().
  void unmount(Duration down, std::set<RecordKey> held);
  // Its disk is back, and it starts with it after `down`.
  void mount(Duration down);
  // SIGTERM: closes everything in order, then starts again.
  void stop_and_start(Duration down);
  // The power goes at one of the next changes of the disk.
  void lose_power_after(std::uint64_t changes, Duration restart_after);

  // Its peers may reach it, whether it is a member or not.
  [[nodiscard]] bool is_up() const;
  // Its store may be closed already.
  [[nodiscard]] bool is_stopping() const;
  // A member whose background work runs.
  [[nodiscard]] bool is_serving() const;
  // "" if it serves as one of `members`, all of them alive to it; else what is missing.
  [[nodiscard]] std::string not_serving_because(std::size_t members);
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Of its data; nullopt before its first start.
  [[nodiscard]] const std::optional<Id128>& incarnation() const noexcept { return incarnation_; }
  // Not empty instead of its disk.
  [[nodiscard]] bool is_mounted() const noexcept { return disk_.is_mounted(); }
  // Of the disk that is not mounted.
  [[nodiscard]] const std::optional<Id128>& unmounted() const noexcept { return unmounted_; }
  // Whether the disk that is not mounted is known to have this record.
  [[nodiscard]] bool has_set_aside(const RecordKey& key) const { return set_aside_.contains(key); }
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] Disk& disk() noexcept { return disk_; }
  [[nodiscard]] Duration& wall_offset() noexcept { return wall_offset_; }
  // While up.
  [[nodiscard]] Life& life();
  [[nodiscard]] store::Store& store();
  [[nodiscard]] const membership::ViewBoard& board();
  // A counter of mas's own, over all processes so far.
  [[nodiscard]] double counter(const std::string& name);
  // `mas rebuild-metadata`, asked of this pod; errors: it cannot now.
  Result<void> rebuild();
  [[nodiscard]] std::optional<maintain::RebuildReport> rebuild_report();
  // `mas cluster give-up`, asked of this pod.
  void give_up(const std::string& slot);
  // While up: what the repair of this pod's slices has found.
  [[nodiscard]] const maintain::Ledger& ledger();
  // Its data directory is refused, as one that was given up or replaced.
  [[nodiscard]] bool is_refused();

 private:
  struct Process;
  Result<void> open_store(Process& process);
  void open();
  void build(Process& process);
  void join();
  Task<void> serve(Process* process);
  [[nodiscard]] bool is_excused() const;
  void build_rebuild(Process& process);
  Task<void> shut_down(Process* process, bool in_order, std::shared_ptr<bool> done);
  void end_soon();
  void bury(Ending ending);
  void start_later(Duration after);

  const PodPlace place_;
  const std::size_t index_;
  const std::string name_;
  Disk disk_;
  Duration wall_offset_{};
  std::unique_ptr<Process> process_;
  std::optional<Id128> incarnation_;
  Acknowledged acknowledged_;
  Acknowledged acknowledged_aside_;  // by the disk that is set aside
  std::optional<Id128> unmounted_;   // the incarnation of the disk that is set aside
  std::set<RecordKey> set_aside_;    // what that disk is known to have
  std::optional<EventId> starting_;
  std::uint64_t refusals_ = 0;  // of the disk, when the process began
  std::map<std::string, double> counted_;
};

}  // namespace mas::sim
