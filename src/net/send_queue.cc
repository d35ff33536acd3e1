#include "mas/net/send_queue.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace mas::net {

SendQueue send_queue_of(int socket) {
  constexpr std::uint8_t kClosed = 7;  // TCP_CLOSE of the kernel's tcp_states.h
  // One without an answer may be lost, or on its way. A system whose program does not read answers
  // the probes of its closed window.
  constexpr std::uint8_t kUnanswered = 3;
  SendQueue queue;
  int waiting = 0;
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::ioctl(socket, SIOCOUTQ, &waiting) != 0 ||
      ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    queue.open = false;
    return queue;
  }
  queue.waiting = static_cast<std::size_t>(waiting);
  queue.acknowledged = info.tcpi_bytes_acked;
  queue.open = info.tcpi_state != kClosed;
  queue.answered = info.tcpi_retransmits < kUnanswered && info.tcpi_probes < kUnanswered;
  return queue;
}

void SendProgress::begin(Instant now, Duration patience) {
  since_ = now;
  patience_ = patience;
  looked_ = false;
}

Instant SendProgress::deadline() const noexcept {
  const Instant deadline = since_ + patience_;
  return last_.answered ? std::max(deadline, earned_until_) : deadline;
}

bool SendProgress::stands_still(const SendQueue& queue, Instant now) {
  const bool moved =
      looked_ && (queue.acknowledged > last_.acknowledged || queue.waiting < last_.waiting);
  if (moved) since_ = now;
  if (queue.acknowledged > last_.acknowledged) {
    earn(queue.acknowledged - last_.acknowledged, now);
  }
  looked_ = true;
  last_ = queue;
  return now >= deadline();
}

void SendProgress::earn(std::uint64_t bytes, Instant now) {
  if (credit_.most <= Duration(0)) return;
  using Seconds = std::chrono::duration<double>;
  Seconds earned = credit_.most;
  if (credit_.rate > 0) {
    earned =
        std::min(earned, Seconds(static_cast<double>(bytes) / static_cast<double>(credit_.rate)));
  }
  earned_until_ =
      std::min(std::max(earned_until_, now) + std::chrono::duration_cast<Duration>(earned),
               now + credit_.most);
}

}  // namespace mas::net
