// An Fs in memory that injects faults: what was written but not synced can be dropped, in any
// subset of blocks and directory entries; calls can be made to fail. The disk of the crash tests
// and simulation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "mas/fs/fs.h"
#include "mas/runtime/rng.h"

namespace mas::fs {

enum class FsOp {
  open,
  write,
  read,
  sync,
  allocate,
  truncate,
  rename,
  remove,
  sync_directory,
  list
};

struct FsCall {
  FsOp op{};
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

class FaultFs : public Fs {
 public:
  // Asked before each call; an Error makes the call fail with it (a failed write writes a random
  // prefix of its blocks; a failed sync makes nothing durable and what it covered may be lost).
  using Hook = std::function<Result<void>(const FsCall&)>;

  virtual void set_hook(Hook hook) = 0;
  // A sync (of a file or directory) for which `lies` is true answers success and makes nothing
  // durable: shows that a crash test notices when that sync is missing from the code.
  using Liar = std::function<bool(const FsCall&)>;
  virtual void set_lying_sync(Liar lies) = 0;
  // Calls that change something (write, sync, allocate, truncate, rename, remove, sync_directory).
  [[nodiscard]] virtual std::uint64_t mutations() const = 0;
  // From the n-th mutation on (counted from now, 0 = the next) every call fails with `io`, as if
  // the process had died there; that mutation itself is not applied.
  virtual void power_off_after(std::uint64_t n) = 0;
  // The disk after a power loss now: everything synced, and of the rest a random subset of 4 KiB
  // blocks (each whole), of directory entries (create, rename, remove; in any combination), and of
  // file sizes. With `keep` 0.0 nothing unsynced survives, with 1.0 all of it. Open files and locks
  // of this Fs are unaffected.
  [[nodiscard]] virtual std::unique_ptr<FaultFs> after_power_loss(Rng& rng, double keep) const = 0;
  // A copy of the disk as a process that restarts sees it (kill -9: nothing is lost).
  [[nodiscard]] virtual std::unique_ptr<FaultFs> after_restart() const = 0;
  // From now on the changes of this directory's entries reach the disk in their order, a rename
  // as one, as file systems with a journal have it (ext4, XFS): a power loss undoes a number of the
  // last ones. RocksDB relies on it (CURRENT never names a file made after it), so its directories
  // are under this rule; mas itself must do with any combination.
  virtual void keep_order_in(const std::string& directory) = 0;
  // Flips one bit of a file's content, at rest.
  virtual Result<void> flip_bit(const std::string& path, std::uint64_t offset, int bit) = 0;
  // Room left for writes; beyond it they fail with disk_full.
  virtual void set_capacity(std::uint64_t bytes) = 0;
};

[[nodiscard]] std::unique_ptr<FaultFs> make_fault_fs(std::uint64_t seed);

}  // namespace mas::fs
