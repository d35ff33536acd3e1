#include "mas/net/connect.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mas/runtime/sync.h"
#include "net/tcp_stream.h"
#include "net/tls_stream.h"

namespace mas::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Attempt {
  explicit Attempt(const Executor& executor) : resolver(executor), socket(executor) {}
  tcp::resolver resolver;
  tcp::socket socket;
  bool done = false;
  bool expired = false;
};

Task<void> give_up_after(Attempt& attempt, Timer& timer, Duration timeout) {
  // The attempt may have ended before this began.
  if (attempt.done) co_return;
  // Named first: GCC 12 miscompiles the await within the condition.
  const bool is_over = co_await timer.wait(timeout);
  if (!is_over) co_return;
  attempt.expired = true;
  attempt.resolver.cancel();
  error_code ignored;
  attempt.socket.close(ignored);
}

Task<error_code> try_addresses(Attempt& attempt, const std::string& host, const std::string& port) {
  error_code error;
  auto addresses = co_await attempt.resolver.async_resolve(
      host, port, asio::redirect_error(asio::use_awaitable, error));
  for (const auto& address : addresses) {
    if (attempt.expired) co_return asio::error::timed_out;
    error_code ignored;
    attempt.socket.close(ignored);
    co_await attempt.socket.async_connect(address.endpoint(),
                                          asio::redirect_error(asio::use_awaitable, error));
    if (!error) co_return error;
  }
  if (!error) error = asio::error::host_not_found;
  co_return error;
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect(std::string host, std::string port,
                                              std::shared_ptr<TlsClient> tls, Clock& clock,
                                              Duration timeout) {
  Executor executor = co_await asio::this_coro::executor;
  Attempt attempt(executor);
  auto timer = clock.make_timer(executor);
  Gate gate;
  (void)spawn(executor, gate, give_up_after(attempt, *timer, timeout), "connect timer");
  error_code error = co_await try_addresses(attempt, host, port);
  attempt.done = true;
  timer->cancel();
  co_await gate.close();
  std::string where = host + ":" + port;
  if (attempt.expired) {
    co_return Error(Code::timeout, "The server " + where + " did not answer in time.");
  }
  if (error) {
    co_return Error(Code::closed, "Cannot connect to " + where + ": " + error.message() + ".");
  }
  if (tls) {
    co_return make_tls_client_stream(std::move(attempt.socket), *tls, std::move(host));
  }
  co_return make_tcp_stream(std::move(attempt.socket));
}

}  // namespace mas::net
