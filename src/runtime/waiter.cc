#include "runtime/waiter.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <new>
#include <utility>

#include "mas/core/result.h"

namespace mas {

namespace asio = boost::asio;

struct StartWaiting {
  Waiter* waiter;

  template <class Handler>
  struct Stored final : Waiter::Suspended {
    explicit Stored(Handler h) : handler(std::move(h)) {}
    void post_to(Executor home) override {
      Handler taken = std::move(handler);
      this->~Stored();
      asio::post(home, std::move(taken));
    }
    Handler handler;
  };

  template <class Handler>
  void operator()(Handler handler) {
    static_assert(sizeof(Stored<Handler>) <= Waiter::kStorage);
    waiter->suspended_ = new (waiter->storage_) Stored<Handler>(std::move(handler));
    auto expected = Waiter::State::fresh;
    if (waiter->state_.compare_exchange_strong(expected, Waiter::State::waiting)) return;
    // resume() came first: go on at once, but never inside this call.
    MAS_ASSERT(expected == Waiter::State::resumed);
    waiter->suspended_->post_to(waiter->home_);
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
  suspended_->post_to(std::move(home));
}

}  // namespace mas
