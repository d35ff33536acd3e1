#include "ledger.h"

#include <algorithm>
#include <array>

#include "mas/core/bytes.h"

namespace mas::crash {

State make_state(std::string content) {
  return std::make_shared<const std::string>(std::move(content));
}

bool equal(const State& a, const State& b) {
  return a && b ? *a == *b : static_cast<bool>(a) == static_cast<bool>(b);
}

std::string describe(const State& state) {
  if (!state) return "nothing";
  return std::to_string(state->size()) + " bytes \"" + state->substr(0, 12) + "\"";
}

std::size_t Ledger::begin(const std::string& key, State state) {
  const std::lock_guard guard(mutex_);
  auto& history = histories_[key];
  history.states.push_back(std::move(state));
  return history.states.size();
}

void Ledger::acknowledge(const std::string& key, std::size_t change) {
  const std::lock_guard guard(mutex_);
  auto& settled = histories_[key].settled;
  settled = std::max(settled, change);
}

Ledger::Settled Ledger::settled() const {
  const std::lock_guard guard(mutex_);
  Settled result;
  for (const auto& [key, history] : histories_) result[key] = history.settled;
  return result;
}

Allowed Ledger::allowed_since(const Settled& settled) const {
  const std::lock_guard guard(mutex_);
  Allowed result;
  for (const auto& [key, history] : histories_) {
    const auto found = settled.find(key);
    const std::size_t from = found == settled.end() ? 0 : found->second;
    auto& states = result[key];
    if (from == 0) states.push_back(nullptr);
    for (std::size_t i = from == 0 ? 0 : from - 1; i < history.states.size(); ++i) {
      states.push_back(history.states[i]);
    }
  }
  return result;
}

State Ledger::latest(const std::string& key) const {
  const std::lock_guard guard(mutex_);
  const auto found = histories_.find(key);
  return found == histories_.end() ? nullptr : found->second.states.back();
}

std::vector<std::string> judge(const Allowed& allowed, const std::map<std::string, State>& found) {
  std::vector<std::string> violations;
  for (const auto& [key, states] : allowed) {
    const auto entry = found.find(key);
    const State state = entry == found.end() ? nullptr : entry->second;
    const bool fits = std::any_of(states.begin(), states.end(),
                                  [&](const State& other) { return equal(state, other); });
    if (fits) continue;
    violations.push_back(to_hex(as_bytes(key)) + " holds " + describe(state) + " instead of " +
                         describe(states.front()) + (states.size() > 1 ? " or a later state" : ""));
  }
  for (const auto& [key, state] : found) {
    if (state && !allowed.contains(key)) {
      violations.push_back(to_hex(as_bytes(key)) + " was never written and holds " +
                           describe(state));
    }
  }
  return violations;
}

bool is_mutation(fs::FsOp op) {
  return op != fs::FsOp::open && op != fs::FsOp::read && op != fs::FsOp::list;
}

std::string describe(const fs::FsCall& call) {
  constexpr std::array kNames = {"open",     "write",  "read",   "sync",           "allocate",
                                 "truncate", "rename", "remove", "sync_directory", "list"};
  return std::string(kNames.at(static_cast<std::size_t>(call.op))) + " " + call.path + " at " +
         std::to_string(call.offset) + " for " + std::to_string(call.length);
}

std::vector<CrashPoint> record(fs::FaultFs& disk, const Ledger& ledger,
                               const std::function<void()>& workload,
                               const std::function<void(const fs::FsCall&)>& watch) {
  std::mutex mutex;
  std::vector<CrashPoint> points;
  const auto capture = [&](std::string before) {
    const std::lock_guard guard(mutex);
    // What is acknowledged by now is in the copy; what is in the copy had begun by the end.
    const auto settled = ledger.settled();
    auto copy = disk.after_restart();
    points.push_back({std::move(before), std::move(copy), ledger.allowed_since(settled)});
  };
  disk.set_hook([&](const fs::FsCall& call) -> Result<void> {
    if (watch) watch(call);
    if (is_mutation(call.op)) capture(describe(call));
    return {};
  });
  workload();
  disk.set_hook({});
  capture("the end");
  return points;
}

void each_power_off(std::uint64_t step,
                    const std::function<void(fs::FaultFs& disk, Ledger& ledger)>& workload,
                    const std::function<void(const fs::FaultFs& disk, const Allowed& allowed,
                                             std::uint64_t n)>& look) {
  const auto whole = fs::make_fault_fs(1);
  Ledger unused;
  workload(*whole, unused);
  for (std::uint64_t n = 0; n < whole->mutations(); n += step) {
    const auto disk = fs::make_fault_fs(n);
    disk->power_off_after(n);
    Ledger ledger;
    workload(*disk, ledger);
    look(*disk, ledger.allowed(), n);
  }
}

}  // namespace mas::crash
