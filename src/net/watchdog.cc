#include "mas/net/watchdog.h"

#include <algorithm>

namespace mas::net {

Watchdog::Watchdog(Clock& clock, const Executor& executor, Stream& stream, Duration longest_sleep,
                   SendCredit credit)
    : clock_(clock),
      stream_(stream),
      longest_sleep_(longest_sleep),
      timer_(clock.make_timer(executor)),
      progress_(credit) {}

Task<void> Watchdog::run() {
  while (!stopped_) {
    Instant now = clock_.now();
    if (deadline_ && is_sending_) {
      const bool is_over = progress_.stands_still(stream_.send_queue(), now);
      deadline_ = is_over ? now : progress_.deadline();
    }
    if (deadline_ && *deadline_ <= now) {
      deadline_.reset();
      expired_ = true;
      stream_.cancel();
    }
    Duration sleep = longest_sleep_;
    if (deadline_) sleep = std::min(sleep, *deadline_ - now);
    wakes_at_ = now + sleep;
    co_await timer_->wait(sleep);
  }
}

void Watchdog::stop() {
  stopped_ = true;
  timer_->cancel();
}

void Watchdog::arm_sending(Duration patience) {
  is_sending_ = true;
  progress_.begin(clock_.now(), patience);
  set_deadline(progress_.deadline());
}

void Watchdog::arm(Instant deadline) {
  is_sending_ = false;
  set_deadline(deadline);
}

void Watchdog::set_deadline(Instant deadline) {
  deadline_ = deadline;
  expired_ = false;
  if (deadline < wakes_at_) timer_->cancel();
}

bool Watchdog::disarm() {
  deadline_.reset();
  return expired_;
}

}  // namespace mas::net
