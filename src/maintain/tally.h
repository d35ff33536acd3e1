// What a worker counts while it works and shows meanwhile. Thread-safe: steps run on one thread,
// operators ask from others.
#pragma once

#include <algorithm>
#include <mutex>

#include "mas/maintain/scheduler.h"

namespace mas::maintain {

class Tally {
 public:
  explicit Tally(std::string unit) : unit_(std::move(unit)) {}

  // `amount` of the unit was done in `items` things, at `now`.
  void add(std::uint64_t items, double amount, Instant now) {
    std::lock_guard lock(mutex_);
    done_ += items;
    // A minute's memory: older amounts fade.
    double seconds = std::chrono::duration<double>(now - at_).count();
    if (seconds > 0) {
      double weight = std::min(1.0, seconds / 60);
      rate_ += weight * (pending_ / seconds - rate_);
      pending_ = 0;
      at_ = now;
    }
    pending_ += amount;
  }
  void set_progress(double progress) {
    std::lock_guard lock(mutex_);
    progress_ = std::clamp(progress, 0.0, 1.0);
  }
  void describe(WorkerStatus& status) const {
    std::lock_guard lock(mutex_);
    status.done = done_;
    status.rate = rate_;
    status.rate_unit = unit_;
    status.progress = progress_;
  }

 private:
  std::string unit_;
  mutable std::mutex mutex_;
  std::uint64_t done_ = 0;
  double rate_ = 0;
  double pending_ = 0;  // since at_
  double progress_ = 0;
  Instant at_;
};

}  // namespace mas::maintain
