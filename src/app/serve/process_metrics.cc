#include "app/serve/process_metrics.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>

#include "app/serve/kernel_file.h"
#include "mas/observe/log_output.h"

namespace mas::app {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::size_t online_cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max<std::size_t>(static_cast<std::size_t>(CPU_COUNT(&set)), 1);
}

std::uint64_t resident_bytes(std::string_view statm, std::uint64_t page_size) {
  std::size_t space = statm.find(' ');
  if (space == std::string_view::npos) return 0;
  std::uint64_t pages = 0;
  std::from_chars(statm.data() + space + 1, statm.data() + statm.size(), pages);
  return pages * page_size;
}

ProcessMetrics::ProcessMetrics(observe::Metrics& metrics, fs::Fs& fs, const Clock& clock)
    : fs_(fs),
      resident_(metrics.gauge("mas_process_resident_bytes", "Resident memory of the process.")),
      descriptors_(metrics.gauge("mas_process_open_descriptors", "Open file descriptors.")),
      cpu_(metrics.gauge("mas_process_cpu_seconds", "User and system CPU time so far.")),
      log_dropped_(metrics.counter("mas_log_dropped_lines_total",
                                   "Log lines that were dropped because nobody took them.")) {
  metrics.gauge("mas_start_time_seconds", "When the process started, Unix time.")
      .set(static_cast<double>(clock.wall().unix_seconds()));
  refresh_handle_ = metrics.before_scrape([this] { refresh(); });
}

void ProcessMetrics::refresh() {
  std::string statm = kernel_text(fs_, "/proc/self/statm");
  resident_.set(static_cast<double>(
      resident_bytes(statm, static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)))));
  log_dropped_.add(static_cast<double>(log::dropped()) - log_dropped_.value());
  auto names = fs_.list("/proc/self/fd");
  if (names.has_value()) descriptors_.set(static_cast<double>(names->size()));
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    cpu_.set(seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  }
}

}  // namespace mas::app
