#include "peer/ping.h"

#include <boost/asio/this_coro.hpp>

#include "mas/runtime/sync.h"
#include "peer/lane.h"
#include "peer/request.h"
#include "peer/wire.h"

namespace mas::peer {
namespace {

struct Attempt {
  std::unique_ptr<http::Client> client;
  std::unique_ptr<Timer> timer;
  bool done = false;
  bool expired = false;
};

Task<void> give_up_after(Attempt& attempt, Timer& timer, Duration timeout) {
  // The attempt may have ended before this began.
  if (attempt.done) co_return;
  bool rang = co_await timer.wait(timeout);
  if (!rang) co_return;
  attempt.expired = true;
  attempt.client->close();
}

// Asks `address` for a ping's answer, its own or another pod's.
Task<Result<PingAnswer>> ask(ProbeContext context, std::string address, http::ClientRequest request,
                             Duration timeout) {
  MAS_CO_TRY(http::Url url, peer_url(address, uses_tls(context.options)));
  Executor executor = co_await boost::asio::this_coro::executor;
  http::ClientOptions options = client_options(context.options);
  options.connect_timeout = timeout;
  options.io_timeout = timeout;
  Attempt attempt;
  attempt.client = http::make_client(executor, std::move(url), std::move(options), context.clock);
  attempt.timer = context.clock.make_timer(executor);
  Gate gate;
  auto watch = give_up_after(attempt, *attempt.timer, timeout);
  (void)spawn(executor, gate, std::move(watch), "probe timer");
  Result<http::ResponseHead> head = co_await send(*attempt.client, std::move(request));
  attempt.done = true;
  attempt.timer->cancel();
  co_await gate.close();
  if (head.has_error()) {
    if (attempt.expired) co_return Error(Code::timeout, "The pod did not answer in time.");
    co_return head.error();
  }
  auto answer = wire::parse_ping(head->headers);
  if (!answer) co_return Error(Code::refused, "The pod's answer is not one of mas.");
  co_return std::move(*answer);
}

}  // namespace

Task<Result<PingAnswer>> ping(ProbeContext context, std::string address, Duration timeout) {
  auto request = make_request("GET", "ping", context.self, nullptr, context.self.layout().version);
  co_return co_await ask(context, std::move(address), std::move(request), timeout);
}

Task<Result<PingAnswer>> probe_through(ProbeContext context, std::string via, std::string target,
                                       Duration timeout) {
  auto half = std::chrono::duration_cast<std::chrono::milliseconds>(timeout / 2).count();
  std::string path =
      "probe?timeout_ms=" + std::to_string(half) + "&target=" + http::percent_encode(target);
  auto request =
      make_request("POST", std::move(path), context.self, nullptr, context.self.layout().version);
  co_return co_await ask(context, std::move(via), std::move(request), timeout);
}

}  // namespace mas::peer
