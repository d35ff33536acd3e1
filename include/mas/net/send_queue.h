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
  bool answered = true;            // the other side's system answers what it is sent, or asked
};

// Of a TCP socket; nothing waits, and it is not open, where the system does not say.
[[nodiscard]] SendQueue send_queue_of(int socket);

// What the bytes that were acknowledged earn: each the time that it may take at `rate` bytes a
// second, up to `most` ahead. With a rate of 0 any byte earns all of that; with a `most` of 0 none
// earns anything.
struct SendCredit {
  std::uint64_t rate = 0;
  Duration most{};
};

// Judges by looks, some time apart, whether the other side still takes what it is sent. One for a
// whole connection: who limits its rate takes a burst first, and then nothing until its average
// fits.
class SendProgress {
 public:
  explicit SendProgress(SendCredit credit) : credit_(credit) {}

  // A wait for the other side begins: it has `patience` from now at least.
  void begin(Instant now, Duration patience);
  // When it is given up, as far as the looks so far say.
  [[nodiscard]] Instant deadline() const noexcept;
  // Whether nothing was acknowledged from look to look for `patience`, nor for the time that was
  // earned, which counts as long as the other side's system answers. The first look of a wait only
  // remembers.
  [[nodiscard]] bool stands_still(const SendQueue& queue, Instant now);

 private:
  void earn(std::uint64_t bytes, Instant now);

  SendCredit credit_;
  Instant since_{};
  Duration patience_{};
  Instant earned_until_{};
  bool looked_ = false;
  SendQueue last_;
};

}  // namespace mas::net
