#include "mas/net/send_queue.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace mas::net {

SendQueue send_queue_of(int socket) {
  constexpr std::uint8_t kClosed = 7;  // TCP_CLOSE of the kernel's tcp_states.h
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
  return queue;
}

bool SendProgress::stands_still(const SendQueue& queue, Instant now) {
  const bool moved =
      looked_ && (queue.acknowledged > last_.acknowledged || queue.waiting < last_.waiting);
  if (moved) since_ = now;
  looked_ = true;
  last_ = queue;
  return now - since_ >= patience_;
}

}  // namespace mas::net
