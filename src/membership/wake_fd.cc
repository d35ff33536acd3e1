#include "membership/wake_fd.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mas::membership {

WakeFd::WakeFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { MAS_ASSERT(fd_ >= 0); }

WakeFd::~WakeFd() { close(fd_); }

void WakeFd::wake() {
  std::uint64_t one = 1;
  // Fails only where the counter is full, and then it is readable already.
  MAS_ASSERT(write(fd_, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
}

void WakeFd::wait(int socket, Duration most) {
  using std::chrono::milliseconds;
  // Rounded up, so that what was waited for has passed.
  auto limit = std::chrono::ceil<milliseconds>(std::max(most, Duration::zero())).count();
  pollfd fds[] = {{fd_, POLLIN, 0}, {socket, POLLIN, 0}};
  poll(fds, 2, static_cast<int>(std::min<std::int64_t>(limit, 3'600'000)));
  std::uint64_t count = 0;
  // Nothing to read where it was not woken.
  MAS_ASSERT(read(fd_, &count, sizeof(count)) == sizeof(count) || errno == EAGAIN);
}

}  // namespace mas::membership
