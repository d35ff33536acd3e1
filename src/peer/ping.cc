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

struct Answer {
  http::ResponseHead head;
  Slice body;
};

// At most `limit` bytes of body; 0: none is taken.
Task<Result<Answer>> exchange(http::Client& client, http::ClientRequest request,
                              std::uint64_t limit) {
  Answer answer;
  MAS_CO_TRY(answer.head, co_await send(client, std::move(request)));
  if (limit > 0) {
    MAS_CO_TRY(answer.body, co_await take_answer(client, answer.head, limit));
  }
  co_return answer;
}

// Asks `address` within `timeout`.
Task<Result<Answer>> ask(ProbeContext context, std::string address, http::ClientRequest request,
                         std::uint64_t limit, Duration timeout) {
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
  Result<Answer> answer = co_await exchange(*attempt.client, std::move(request), limit);
  attempt.done = true;
  attempt.timer->cancel();
  co_await gate.close();
  if (answer.has_error() && attempt.expired) {
    co_return Error(Code::timeout, "The pod did not answer in time.");
  }
  co_return answer;
}

// A ping's answer, of the pod at `address` or of another one.
Task<Result<PingAnswer>> ask_ping(ProbeContext context, std::string address,
                                  http::ClientRequest request, Duration timeout) {
  auto asking = ask(context, std::move(address), std::move(request), 0, timeout);
  MAS_CO_TRY(Answer answer, co_await std::move(asking));
  auto read = wire::parse_ping(answer.head.headers);
  if (!read) co_return Error(Code::refused, "The pod's answer is not one of mas.");
  co_return std::move(*read);
}

}  // namespace

Task<Result<PingAnswer>> ping(ProbeContext context, std::string address, Duration timeout) {
  auto request = make_request("GET", "ping", context.self, nullptr, context.self.layout().version);
  co_return co_await ask_ping(context, std::move(address), std::move(request), timeout);
}

Task<Result<PingAnswer>> probe_through(ProbeContext context, std::string via, std::string target,
                                       Duration timeout) {
  auto half = std::chrono::duration_cast<std::chrono::milliseconds>(timeout / 2).count();
  std::string path =
      "probe?timeout_ms=" + std::to_string(half) + "&target=" + http::percent_encode(target);
  auto request =
      make_request("POST", std::move(path), context.self, nullptr, context.self.layout().version);
  co_return co_await ask_ping(context, std::move(via), std::move(request), timeout);
}

Task<Result<std::string>> ask_ledger(ProbeContext context, Address to, Duration timeout) {
  auto request = make_request("GET", "ledger", context.self, &to, context.self.layout().version);
  auto asking = ask(context, to.address, std::move(request), wire::kMaxLedger, timeout);
  MAS_CO_TRY(Answer answer, co_await std::move(asking));
  co_return std::string(as_text(answer.body.view()));
}

}  // namespace mas::peer
