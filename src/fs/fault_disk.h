// What all handles of one fault-injecting file system share: the tree, the switches that make calls
// fail, and the lock around both.
#pragma once

#include <limits>
#include <mutex>
#include <set>
#include <string>

#include "fs/fault_tree.h"
#include "mas/fs/fault_fs.h"

namespace mas::fs {

struct FaultDisk {
  explicit FaultDisk(std::uint64_t seed) : rng(make_seeded_rng(seed)) {}

  // To be called, without the mutex, before a call does anything: counts it and lets the injected
  // faults speak. An error: the call fails with it. `dead` tells a disk without power, where
  // nothing of the call may take effect, from a fault of this one call.
  struct Verdict {
    Result<void> result;
    bool dead = false;
    bool lies = false;  // a sync that is to do nothing
  };
  Verdict admit(const FsCall& call);

  // The errors of both kinds at once, for calls that either happen or not.
  Result<void> check(const FsCall& call) { return admit(call).result; }
  // For calls that are not announced to the hook.
  Result<void> check_power();

  // Bytes by which files may still grow. Needs the mutex.
  [[nodiscard]] std::uint64_t room() const;

  std::mutex mutex;
  FaultTree tree;
  std::unique_ptr<Rng> rng;
  std::set<std::string> locks;
  FaultFs::Hook hook;
  FaultFs::Liar liar;
  std::uint64_t mutations = 0;
  std::uint64_t power_off_at = std::numeric_limits<std::uint64_t>::max();
  bool powered_off = false;
  std::uint64_t capacity = std::uint64_t{64} << 30U;
};

// A handle on `node`, opened as `path`.
[[nodiscard]] std::unique_ptr<File> make_fault_file(std::shared_ptr<FaultDisk> disk,
                                                    NodePointer node, std::string path,
                                                    const OpenOptions& options);

}  // namespace mas::fs
