// What a workload was told, so that what is found after a crash can be judged: acknowledged changes
// must be there, others may be, and nothing else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mas/fs/fault_fs.h"

namespace mas::crash {

// What a key holds; nullptr: nothing.
using State = std::shared_ptr<const std::string>;

[[nodiscard]] State make_state(std::string content);
[[nodiscard]] bool equal(const State& a, const State& b);
// Short enough for a message.
[[nodiscard]] std::string describe(const State& state);

// For each key ever changed: the states that may be found.
using Allowed = std::map<std::string, std::vector<State>>;

// Changes of one key come one after the other; different keys may change at once. Thread-safe.
class Ledger {
 public:
  // To be called before the change is asked for, and after it was acknowledged.
  std::size_t begin(const std::string& key, State state);
  void acknowledge(const std::string& key, std::size_t change);

  // How many changes of each key are settled: the last acknowledged one and all before it.
  using Settled = std::map<std::string, std::size_t>;
  [[nodiscard]] Settled settled() const;
  // The states that a disk may hold which was looked at after `settled` was taken and before now.
  [[nodiscard]] Allowed allowed_since(const Settled& settled) const;
  [[nodiscard]] Allowed allowed() const { return allowed_since(settled()); }
  // The last state of each key, as asked for.
  [[nodiscard]] State latest(const std::string& key) const;

 private:
  struct History {
    std::vector<State> states;
    std::size_t settled = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, History> histories_;
};

// Says how `found` breaks `allowed`; one line each.
[[nodiscard]] std::vector<std::string> judge(const Allowed& allowed,
                                             const std::map<std::string, State>& found);

// A moment at which the power may go: the disk as the process has it (with what is durable and what
// is not), and what may be found afterwards.
struct CrashPoint {
  std::string before;  // the call that was about to be made
  std::unique_ptr<fs::FaultFs> disk;
  Allowed allowed;
};

// Runs `workload`, which changes `disk` and keeps `ledger`, and catches each moment before a
// change of the disk, and the end. `watch` is shown every call.
[[nodiscard]] std::vector<CrashPoint> record(
    fs::FaultFs& disk, const Ledger& ledger, const std::function<void()>& workload,
    const std::function<void(const fs::FsCall&)>& watch = {});

// Runs `workload` once for every `step`th change it makes, each time on a fresh disk whose power is
// off from the nth change on; `look` is shown the disk, what it may hold, and n. A disk that works
// to the end tells how many changes there are.
void each_power_off(std::uint64_t step,
                    const std::function<void(fs::FaultFs& disk, Ledger& ledger)>& workload,
                    const std::function<void(const fs::FaultFs& disk, const Allowed& allowed,
                                             std::uint64_t n)>& look);

[[nodiscard]] std::string describe(const fs::FsCall& call);
[[nodiscard]] bool is_mutation(fs::FsOp op);

}  // namespace mas::crash
