// Breaker: after a failure to reach the server every call is refused at once, instead of waiting in
// the driver pool for a time-out of its own, until a probe has found the server answering again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "mas/core/result.h"
#include "mas/core/units.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/sync.h"

namespace mas::meta::mongo {

class Breaker final : private PoolTask {
 public:
  // `pool` runs the probe, which keeps one of its threads as long as the server is away.
  Breaker(Pool& pool, observe::Metrics& metrics);

  // Once, before the first trip(): asks the server whether it can work.
  void set_probe(std::function<Result<void>()> probe) { probe_ = std::move(probe); }
  [[nodiscard]] bool open() const noexcept { return open_.load(std::memory_order_acquire); }
  [[nodiscard]] static Error refusal();
  // Outages that are over. What began before an outage ended says nothing about the time after it.
  [[nodiscard]] std::uint64_t outages() const noexcept { return outages_; }
  // The server was not reached by a command that began when outages() was `since`: refuses calls
  // from now on and starts probing. Thread-safe.
  void trip(std::uint64_t since, const std::string& why);
  // Ends the probe and resumes when it has gone.
  Task<void> close();

 private:
  static constexpr Duration kPause = std::chrono::milliseconds(200);  // between two probes

  void run() noexcept override;
  // False when the breaker is closing.
  bool pause();

  Pool& pool_;
  observe::Gauge& gauge_;
  observe::Counter& trips_;
  std::function<Result<void>()> probe_;
  std::atomic<bool> open_{false};
  std::atomic<std::uint64_t> outages_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::optional<Gate::Pass> pass_;  // held while the pool has the probe
  Gate probing_;
};

}  // namespace mas::meta::mongo
