// The faults of a run, at random times, within a budget.
//
// Fault budget. Nothing may be lost that was acknowledged with a receipt that covers it, so:
//   - any number of pods may lose power or be killed at once, and any messages may be lost, late or
//     repeated: nothing acknowledged depends on them;
//   - data are lost for good (a disk replaced by an empty one, bit rot, sectors that cannot be
//   read,
//     a file of the store that is gone) on no more pods at once than the profile of the day
//     survives, but on one always. The next ones come only after every shard of everything stored
//     has been seen whole: see Losses for what has to survive meanwhile;
//   - a slot that is down for so long that it leaves, or starts without its disk, loses nothing:
//   its
//     disk comes back as it was. It counts as a loss only for what else may be lost meanwhile;
//   - single files and open uploads are lost for good, on more pods than they survive: they are
//     excused, and what is sent again must be there again;
//   - a pod whose sync failed has stopped writing and is started again.
// What survives fewer losses than there were is excused; of it only wrong bytes are looked for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/audit.h"
#include "sim/scenario.h"

namespace mas::sim {

class Injector {
 public:
  // `lost`: told of contents that are lost for good. `options`: which kinds happen.
  Injector(World& world, Cluster& cluster, std::function<void(const Hash&)> lost,
           const RunOptions& options);

  // Faults from now on.
  void start();
  // No new ones, and those that were begun end: links, metadata, disks. Pods come back by
  // themselves; those that never ran begin now.
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
  void stay_away();
  void start_another();
  void jump_clock();
  // Disks.
  void fail_sync();
  void slow_disk();
  void fill_disk();
  void replace_disk();
  void rot();
  void rot_bits(std::uint64_t bits);
  void read_errors();
  void spoil_sectors();
  void spoil_header();
  void lose_segment();
  void unmount_disk();
  // More than they survive.
  void lose_file();
  void lose_upload();
  // The network.
  void partition();
  void cut_one_way();
  void lose_messages();
  void slow_links();
  // The broker.
  void stop_broker();
  void cut_broker();
  void slow_broker();
  // The metadata store.
  void cut_meta();
  void lose_meta_answers();
  void slow_meta();
  void slow_meta_for_one();
  void stall_meta();
  void lose_meta();

  // Whether this pod may lose data now. If not, a look at everything begins that may allow it
  // later.
  bool may_lose(const Pod& pod);
  // Both ways between pods and `host`.
  void set_links(HostIndex host, const std::function<void(Link&)>& change);
  // Takes from all pods together so many shards of one stripe that too few are left.
  void take_away(const meta::Extent& extent);
  void start_soon();
  Pod& any_pod();
  Duration a_while();
  void later(Duration d, std::function<void()> undo);

  World& world_;
  Cluster& cluster_;
  const std::function<void(const Hash&)> lost_;
  Rand rand_;
  const Duration pace_;
  std::vector<const Kind*> deck_;  // each as often as it is to happen
  bool auditing_ = false;
  bool lost_meta_ = false;
  bool stopped_ = false;
  std::shared_ptr<bool> running_ = std::make_shared<bool>(true);
};

}  // namespace mas::sim
