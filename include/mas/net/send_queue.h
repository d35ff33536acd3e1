// How far what was written to a socket has come: what the other side's system has acknowledged.
//
// A write that the kernel took says little: its buffer holds megabytes, which a slow reader takes
// minutes for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mas/runtime/clock.h"

namespace mas::net {

struct SendQueue {
  std::uint64_t acknowledged = 0;  // bytes, since the connection began
  std::size_t waiting = 0;         // bytes written, not acknowledged
  bool open = true;                // false: the connection is gone, and what waits is lost
};

// Of a TCP socket; nothing waits, and it is not open, where the system does not say.
[[nodiscard]] SendQueue send_queue_of(int socket);

// Judges by looks, some time apart, whether the other side still takes what it is sent.
class SendProgress {
 public:
  SendProgress() = default;
  SendProgress(Instant now, Duration patience) : since_(now), patience_(patience) {}

  // When it is given up, as far as the looks so far say.
  [[nodiscard]] Instant deadline() const noexcept { return since_ + patience_; }
  // Whether nothing was acknowledged from look to look for `patience`. The first look only
  // remembers.
  [[nodiscard]] bool stands_still(const SendQueue& queue, Instant now);

 private:
  Instant since_{};
  Duration patience_{};
  bool looked_ = false;
  SendQueue last_;
};

}  // namespace mas::net
