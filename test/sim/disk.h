// The disk of one pod, which outlives its processes: what was written, what of it was synced, and
// what is wrong with it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "mas/fs/fault_fs.h"
#include "sim/bugs.h"
#include "sim/world.h"

namespace mas::sim {

// How a process ends, and what that leaves of what it wrote.
enum class Ending { killed, power_lost };

class Disk {
 public:
  Disk(World& world, std::string name, Bug bug);

  // The file system for the next process.
  [[nodiscard]] fs::Fs& fs() noexcept { return *patient_; }
  // The process that used fs() is gone: what is found from now on. `old` keeps what that process
  // still holds; it has no power any more.
  struct Remains {
    std::unique_ptr<fs::Fs> patient;
    std::unique_ptr<fs::FaultFs> disk;
  };
  Remains end_process(Ending ending);

  // Between processes: another disk, empty, in its place.
  void replace();
  // Between processes: the directory is there and empty, as where its disk was not mounted; and
  // the disk is back, with all it had. What was written meanwhile is gone.
  void unmount();
  void mount();
  [[nodiscard]] bool is_mounted() const noexcept { return set_aside_ == nullptr; }
  // The process dies, with the power, at the change of the disk that follows the next `changes`:
  // a write is torn, a sync does not happen. `died` is called then, from within that change.
  void lose_power_after(std::uint64_t changes, std::function<void()> died);
  // How often a call failed on purpose, for another reason than a full disk.
  [[nodiscard]] std::uint64_t refusals() const noexcept { return refusals_; }
  [[nodiscard]] bool is_full() const noexcept { return is_full_; }
  // The next sync of a file fails.
  void fail_next_sync() { fail_sync_ = true; }
  // Of each read of a segment.
  void set_read_errors(double likelihood) {
    read_errors_ = likelihood;
    lost_something_ = true;
  }
  // Whether anything on this disk has rotted, is gone, or could not be read for a while.
  [[nodiscard]] bool lost_something() const noexcept { return lost_something_; }
  // Flips one bit in a segment; false if there is none.
  bool rot();
  // Sectors of a segment that can never be read again, its header or some behind it; false if there
  // is none.
  bool spoil_sectors(bool header);
  // A segment's file is gone, as after a repair of the file system; false if there is none.
  bool lose_segment();
  // Room for `bytes` more; nullopt: for all that comes.
  void set_room(std::optional<std::uint64_t> bytes);
  // Everything works again; what has rotted, or cannot be read any more, stays so.
  void heal();

  // Multiplies the time that disk work takes.
  double slowness = 1;

 private:
  void adopt(std::unique_ptr<fs::FaultFs> disk);
  // A segment, and its size; "" if there is none.
  std::pair<std::string, std::uint64_t> any_segment();
  [[nodiscard]] bool is_spoiled(const fs::FsCall& call) const;
  Result<void> ask(const fs::FsCall& call);
  Result<void> judge(const fs::FsCall& call);

  World& world_;
  const std::string name_;
  const Bug bug_;
  Rand rand_;
  std::unique_ptr<fs::FaultFs> disk_;
  std::unique_ptr<fs::FaultFs> set_aside_;  // while the directory is only its mount point
  std::unique_ptr<fs::Fs> patient_;
  using Sectors = std::map<std::string, std::set<std::uint64_t>>;  // by file
  Sectors spoiled_;
  Sectors spoiled_aside_;  // of the disk that is set aside
  bool looking_ = false;   // into itself, for this class
  bool fail_sync_ = false;
  bool lost_something_ = false;
  bool lost_aside_ = false;  // of the disk that is set aside
  double read_errors_ = 0;
  std::optional<std::uint64_t> changes_left_;
  std::function<void()> died_;
  bool dying_ = false;
  bool is_full_ = false;
  std::uint64_t refusals_ = 0;
};

// Where a pod keeps its store.
inline const std::string kDataDirectory = "/pod/data";

}  // namespace mas::sim
