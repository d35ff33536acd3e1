// The report of a run while it grows. Thread-safe.
#pragma once

#include <mutex>

#include "mas/maintain/rebuild.h"
#include "mas/observe/log.h"

namespace mas::maintain::rebuild {

class Progress {
 public:
  // Runs `change` on the report.
  template <class F>
  void update(F change) {
    std::lock_guard lock(mutex_);
    change(report_);
  }
  void enter(RebuildPhase phase) {
    log::info("rebuild.phase", {{"phase", name_of(phase)}});
    update([phase](RebuildReport& report) {
      report.phase = phase;
      report.progress = 0;
    });
  }
  void set(double progress) {
    update([progress](RebuildReport& report) { report.progress = progress; });
  }
  // Each file once, whatever the phases say of it.
  void fail(const Hash& hash, std::uint64_t generation, std::string why) {
    log::warn("rebuild.not_restored",
              {{"hash", hash.hex()}, {"generation", generation}, {"why", why}});
    std::lock_guard lock(mutex_);
    for (const NotRestored& known : report_.failures) {
      if (known.hash == hash) return;
    }
    ++report_.not_restored;
    if (report_.failures.size() == RebuildReport::kMostListed) return;
    report_.failures.push_back({hash, generation, std::move(why)});
  }
  void note_generation(std::uint64_t generation) {
    std::lock_guard lock(mutex_);
    report_.generation = std::max(report_.generation, generation);
  }
  [[nodiscard]] RebuildReport report() const {
    std::lock_guard lock(mutex_);
    return report_;
  }

 private:
  mutable std::mutex mutex_;
  RebuildReport report_;
};

}  // namespace mas::maintain::rebuild
