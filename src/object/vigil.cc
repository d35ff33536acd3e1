#include "object/vigil.h"

#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace mas::object {

Task<bool> Vigil::wait(Duration patience) {
  if (!woken_ && patience > Duration(0)) {
    if (!timer_) timer_ = clock_.make_timer(home_);
    on_timer_ = true;
    (void)co_await timer_->wait(patience);
    on_timer_ = false;
  }
  co_return std::exchange(woken_, false);
}

Task<void> Vigil::wait() {
  if (!woken_) {
    if (!event_) event_ = std::make_unique<Event>();
    event_->reset();
    on_event_ = true;
    co_await event_->wait();
    on_event_ = false;
  }
  woken_ = false;
}

void Vigil::wake() {
  woken_ = true;
  if (on_timer_) timer_->cancel();
  if (on_event_) event_->set();
}

}  // namespace mas::object
