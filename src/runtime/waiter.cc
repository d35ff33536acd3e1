#include "runtime/waiter.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mas/core/result.h"

namespace mas {

namespace asio = boost::asio;

struct StartWaiting {
  Waiter* waiter;

  template <class Handler>
  void operator()(Handler&& handler) {
    waiter->handler_ = std::forward<Handler>(handler);
    auto expected = Waiter::State::fresh;
    if (waiter->state_.compare_exchange_strong(expected, Waiter::State::waiting)) return;
    // resume() came first: go on at once, but never inside this call.
    MAS_ASSERT(expected == Waiter::State::resumed);
    asio::post(waiter->home_, std::move(waiter->handler_));
  }
};

Task<void> Waiter::wait() {
  home_ = co_await asio::this_coro::executor;
  if (state_.load() == State::resumed) co_return;
  StartWaiting start{this};
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start, asio::use_awaitable);
}

void Waiter::resume() {
  auto expected = State::fresh;
  if (state_.compare_exchange_strong(expected, State::resumed)) return;
  MAS_ASSERT(expected == State::waiting);
  Executor home = home_;
  auto handler = std::move(handler_);
  asio::post(home, std::move(handler));
}

}  // namespace mas
