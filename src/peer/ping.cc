#include "peer/ping.h"

#include <boost/asio/this_coro.hpp>

#include "mas/runtime/sync.h"
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
                         std::uint64_t limit, Duration timeout, bool v1) {
  Executor executor = co_await boost::asio::this_coro::executor;
  Attempt attempt;
  MAS_CO_TRY(attempt.client, context.dialler.dial(executor, address, v1, timeout));
  attempt.timer = context.dialler.clock().make_timer(executor);
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

struct Question {
  std::string method;
  std::string path;
};

// Of a version of the protocol.
Task<Result<PingAnswer>> ask_once(ProbeContext context, std::string address, Question question,
                                  Duration timeout, bool v1) {
  auto request = make_request(std::move(question.method), std::move(question.path), context.self,
                              nullptr, context.self.layout().version, v1);
  auto asking = ask(context, std::move(address), std::move(request), 0, timeout, v1);
  MAS_CO_TRY(Answer answer, co_await std::move(asking));
  auto read = wire::parse_ping(answer.head.headers);
  if (!read) co_return Error(Code::refused, "The pod's answer is not one of mas.");
  co_return std::move(*read);
}

// A ping's answer, of the pod at `address` or of another one. Nobody knows what version a mere
// address speaks.
Task<Result<PingAnswer>> ask_ping(ProbeContext context, std::string address, Question question,
                                  Duration timeout) {
  auto asking = ask_once(context, address, question, timeout, false);
  Result<PingAnswer> answer = co_await std::move(asking);
  const bool other = answer.has_error() && (answer.error().code() == Code::closed ||
                                            answer.error().code() == Code::refused);
  if (!other || !context.dialler.options().accept_v1) co_return answer;
  auto again = ask_once(context, std::move(address), std::move(question), timeout, true);
  co_return co_await std::move(again);
}

}  // namespace

Task<Result<PingAnswer>> ping(ProbeContext context, std::string address, Duration timeout) {
  Question question{"GET", "ping"};
  auto asking = ask_ping(context, std::move(address), std::move(question), timeout);
  co_return co_await std::move(asking);
}

Task<Result<PingAnswer>> probe_through(ProbeContext context, std::string via, std::string target,
                                       Duration timeout) {
  auto half = std::chrono::duration_cast<std::chrono::milliseconds>(timeout / 2).count();
  Question question{"POST", "probe?timeout_ms=" + std::to_string(half) +
                                "&target=" + http::percent_encode(target)};
  auto asking = ask_ping(context, std::move(via), std::move(question), timeout);
  co_return co_await std::move(asking);
}

Task<Result<std::string>> ask_ledger(ProbeContext context, Address to, Duration timeout) {
  auto request =
      make_request("GET", "ledger", context.self, &to, context.self.layout().version, to.v1);
  auto asking = ask(context, to.address, std::move(request), wire::kMaxLedger, timeout, to.v1);
  MAS_CO_TRY(Answer answer, co_await std::move(asking));
  co_return std::string(as_text(answer.body.view()));
}

}  // namespace mas::peer
