#include "object/timed_wait.h"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mas::object {
namespace {

Task<void> wake_after(Timer& timer, Duration patience, std::shared_ptr<Event> event) {
  // Cancelled before it began?
  if (event->is_set()) co_return;
  bool passed = co_await timer.wait(patience);
  if (passed) event->set();
}

}  // namespace

Task<void> wait_at_most(Clock& clock, std::shared_ptr<Event> event, Duration patience) {
  Executor home = co_await boost::asio::this_coro::executor;
  std::unique_ptr<Timer> timer = clock.make_timer(home);
  Gate gate;
  spawn(home, gate, wake_after(*timer, patience, event), "time limit");
  co_await event->wait();
  timer->cancel();
  co_await gate.close();
}

}  // namespace mas::object
