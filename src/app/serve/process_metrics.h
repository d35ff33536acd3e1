// What the process itself costs, in /metrics.
#pragma once

#include <cstddef>
#include <memory>

#include "mas/fs/fs.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"

namespace mas::app {

// Processors this process may run on; at least 1.
[[nodiscard]] std::size_t online_cores();

// Resident bytes from the text of /proc/self/statm; 0 if it is not one.
[[nodiscard]] std::uint64_t resident_bytes(std::string_view statm, std::uint64_t page_size);

// Registers mas_start_time_seconds, and gauges for memory, descriptors and CPU time that are
// refreshed before each scrape.
class ProcessMetrics {
 public:
  ProcessMetrics(observe::Metrics& metrics, fs::Fs& fs, const Clock& clock);

 private:
  void refresh();

  fs::Fs& fs_;
  observe::Gauge& resident_;
  observe::Gauge& descriptors_;
  observe::Gauge& cpu_;
  observe::Counter& log_dropped_;
  std::shared_ptr<void> refresh_handle_;
};

}  // namespace mas::app
