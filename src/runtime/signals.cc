#include "mas/runtime/signals.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mas {

namespace asio = boost::asio;

struct Signals::State {
  explicit State(const Executor& executor) : set(executor) {}
  asio::signal_set set;
};

Signals::Signals(const Executor& executor, std::span<const int> numbers)
    : state_(std::make_unique<State>(executor)) {
  for (const int number : numbers) state_->set.add(number);
}

Signals::~Signals() = default;

Task<int> Signals::wait() {
  boost::system::error_code error;
  co_return co_await state_->set.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

}  // namespace mas
