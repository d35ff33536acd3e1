#include "observe/stderr_sink.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace mas::log {
namespace {

// Standard error is shared with other programs, so it stays as it is: making it non-blocking would
// do so for all of them. A pipe that is ready takes this much at once.
constexpr std::size_t kAtOnce = PIPE_BUF;

void wait_until_taken() {
  pollfd descriptor{STDERR_FILENO, POLLOUT, 0};
  while (::poll(&descriptor, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

bool StderrSink::write_line(std::string& line) {
  line += '\n';
  std::string_view left = line;
  while (!left.empty()) {
    wait_until_taken();
    const ssize_t size = ::write(STDERR_FILENO, left.data(), std::min(left.size(), kAtOnce));
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size < 0) return false;
    left.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

void StderrSink::sink_it_(const spdlog::details::log_msg& message) {
  // What was dropped is older than this line.
  const std::uint64_t lost = overrun_() + failed();
  if (lost > said_) {
    line_ = notice_(lost - said_);
    if (write_line(line_)) said_ = lost;
  }
  line_.assign(message.payload.data(), message.payload.size());
  if (!write_line(line_)) failed_.fetch_add(1, std::memory_order_relaxed);
}

void StderrSink::flush_() {
  {
    std::lock_guard lock(mutex_);
    ++flushes_;
  }
  reached_.notify_all();
}

bool StderrSink::wait_for_flush(const std::function<void()>& ask,
                                std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const std::uint64_t before = flushes_;
  ask();
  return reached_.wait_for(lock, patience, [&] { return flushes_ > before; });
}

}  // namespace mas::log
