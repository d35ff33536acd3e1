// The faults of a run, at random times, within a budget.
//
// Fault budget. Nothing may be lost that was acknowledged with a receipt that covers it, so:
//   - any number of pods may lose power or be killed at once, and any messages may be lost, late or
//     repeated: nothing acknowledged depends on them;
//   - at most one pod has a disk that damages what was synced (bit rot, sectors that cannot be
//     read): as nothing repairs shards yet, that pod counts as lost for good, for every object. A
//     record has to survive it if its receipt says 1 or more;
//   - disks are not lost whole and directories are not taken over: that needs repair;
//   - a pod whose sync failed has stopped writing and is started again.
// Beyond it only wrong bytes are looked for (a single pod with a bad disk).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/cluster.h"

namespace mas::sim {

class Injector {
 public:
  Injector(World& world, Cluster& cluster);

  // Faults from now on.
  void start();
  // No new ones, and those that were begun end: links, metadata, disks. Pods come back by
  // themselves.
  void stop();
  // Every kind there is, as World::count() has it; all of them happen within a batch of seeds.
  [[nodiscard]] static std::vector<std::string> kinds(std::size_t pods);

 private:
  struct Kind;
  static const std::vector<Kind>& all();
  void next();

  // Pods.
  void kill();
  void lose_power();
  void lose_power_in_write();
  void black_out();
  void restart();
  void jump_clock();
  // Disks.
  void fail_sync();
  void slow_disk();
  void fill_disk();
  void rot();
  void read_errors();
  // The network.
  void partition();
  void cut_one_way();
  void lose_messages();
  void slow_links();
  // The metadata store.
  void cut_meta();
  void lose_meta_answers();
  void slow_meta();

  Pod& any_pod();
  Duration a_while();
  void later(Duration d, std::function<void()> undo);

  World& world_;
  Cluster& cluster_;
  Rand rand_;
  const std::size_t bad_disk_;
  const Duration pace_;
  bool stopped_ = false;
  std::shared_ptr<bool> running_ = std::make_shared<bool>(true);
};

}  // namespace mas::sim
