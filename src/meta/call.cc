#include "meta/call.h"

#include <boost/asio/this_coro.hpp>

namespace mas::meta {
namespace {

Task<void> watch(std::shared_ptr<Timer> timer, Duration deadline, std::shared_ptr<Expirable> call) {
  bool passed = co_await timer->wait(deadline);
  if (passed) call->expire();
}

}  // namespace

Task<void> wait_for(Waiting& waiting, Duration deadline, Event& done,
                    std::shared_ptr<Expirable> call) {
  if (done.is_set()) co_return;
  Executor executor = co_await boost::asio::this_coro::executor;
  std::shared_ptr<Timer> timer = waiting.clock.make_timer(executor);
  // Both run on this executor, one at a time, so that the timer has one thread.
  bool watched = spawn(executor, waiting.gate, watch(timer, deadline, call), "metadata deadline");
  co_await done.wait();
  if (watched) timer->cancel();
}

}  // namespace mas::meta
