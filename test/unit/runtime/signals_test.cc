#include "mas/runtime/signals.h"

#include <array>
#include <boost/asio/this_coro.hpp>
#include <catch2/catch.hpp>
#include <csignal>

#include "mas/runtime/io_threads.h"

using namespace mas;

namespace {

constexpr std::array kNumbers{SIGUSR1, SIGUSR2};

Task<std::pair<int, int>> two_signals() {
  const Executor executor = co_await boost::asio::this_coro::executor;
  Signals signals(executor, kNumbers);
  // Nobody waits yet; without Signals this would end the process.
  std::raise(SIGUSR2);
  const int first = co_await signals.wait();
  std::raise(SIGUSR1);
  const int second = co_await signals.wait();
  co_return std::pair(first, second);
}

}  // namespace

TEST_CASE("a signal that comes before anybody waits for it is kept") {
  CHECK(run_blocking_for(two_signals()) == std::pair(SIGUSR2, SIGUSR1));
}
