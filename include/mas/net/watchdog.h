// The one timer of a connection: cancels the stream when the deadline of the operation in progress
// passes.
#pragma once

#include <memory>
#include <optional>

#include "mas/net/send_queue.h"
#include "mas/net/stream.h"
#include "mas/runtime/clock.h"

namespace mas::net {

// Used from the connection's io thread only. Moving the deadline is a store to memory: the timer is
// touched only if it would ring too late.
class Watchdog {
 public:
  // `longest_sleep`: how far ahead the timer is set at most. Deadlines that are never nearer than
  // this cost no timer operation.
  Watchdog(Clock& clock, const Executor& executor, Stream& stream, Duration longest_sleep,
           SendCredit credit = {});

  // Runs until stop(); its owner waits for it. A stop() before the first step counts.
  Task<void> run();
  void stop();
  // Lets run() be used again after stop().
  void reset() noexcept { stopped_ = false; }

  void arm(Instant deadline);
  // For something that is being sent: the deadline is `patience` from now, or from the last look
  // that saw the other side acknowledge anything, or later as it has earned. It is looked whenever
  // the timer rings, so `longest_sleep` should be a small part of `patience`.
  void arm_sending(Duration patience);
  // Ends the watch; whether the deadline had passed (and the stream was cancelled).
  [[nodiscard]] bool disarm();
  // Of the connection, for those who wait for what was sent without sending any more.
  [[nodiscard]] SendProgress& progress() noexcept { return progress_; }

 private:
  void set_deadline(Instant deadline);

  Clock& clock_;
  Stream& stream_;
  Duration longest_sleep_;
  std::unique_ptr<Timer> timer_;
  std::optional<Instant> deadline_;
  SendProgress progress_;
  bool is_sending_ = false;
  Instant wakes_at_{};
  bool expired_ = false;
  bool stopped_ = false;
};

}  // namespace mas::net
