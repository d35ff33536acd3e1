#include "mas/runtime/clock.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mas {
namespace {

namespace asio = boost::asio;

class SystemTimer final : public Timer {
 public:
  explicit SystemTimer(Executor executor) : timer_(std::move(executor)) {}

  Task<bool> wait(Duration d) override {
    timer_.expires_after(d);
    boost::system::error_code error;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }
  void cancel() override { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override {
    return {std::chrono::steady_clock::now().time_since_epoch()};
  }
  [[nodiscard]] WallTime wall() const override {
    auto since = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
  }
  [[nodiscard]] std::unique_ptr<Timer> make_timer(Executor executor) override {
    return std::make_unique<SystemTimer>(std::move(executor));
  }
};

}  // namespace

Task<void> Clock::sleep(Duration d) {
  auto timer = make_timer(co_await asio::this_coro::executor);
  co_await timer->wait(d);
}

std::unique_ptr<Clock> make_system_clock() { return std::make_unique<SystemClock>(); }

}  // namespace mas
