// ClockWatch: whether other pods' clocks agree with this one's. Nothing depends on it (times that
// matter are the token ledger's, or measured by one pod alone), but people read logs side by side.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "mas/membership/prober.h"
#include "mas/observe/metrics.h"
#include "membership/pod_table.h"

namespace mas::membership {

// Used on one thread.
class ClockWatch {
 public:
  // A difference is told from here on.
  static constexpr Duration kMost = std::chrono::seconds(10);
  static constexpr Duration kEvery = std::chrono::minutes(1);

  ClockWatch(Prober& prober, Clock& clock, observe::Metrics& metrics);

  // A pod that is there and has to be asked now; it counts as asked. Each is asked when it is first
  // heard, and every minute then.
  [[nodiscard]] std::optional<PodKey> due(const PodTable& pods, Instant now);
  // Asks it, and logs if its clock differs when it did not before, or agrees again.
  Task<void> ask(PodKey pod, std::string address, Duration timeout);

 private:
  struct Sight {
    Instant next;
    Duration ahead{};
    bool told = false;
  };
  void judge(const PodKey& pod, Duration ahead, Duration doubt);

  Prober& prober_;
  Clock& clock_;
  observe::Gauge& worst_;
  std::map<PodKey, Sight> sights_;
};

}  // namespace mas::membership
