#include "mas/auth/redis_ledger.h"

#include <atomic>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/this_coro.hpp>
#include <vector>

#include "auth/redis/health.h"
#include "auth/redis/lane.h"
#include "auth/redis/script.h"
#include "mas/observe/log.h"
#include "mas/runtime/contain.h"

namespace mas::auth {
namespace {

using namespace redis;
namespace asio = boost::asio;

// How often a server that is down is looked for.
constexpr Duration kProbeEvery = std::chrono::milliseconds(250);
constexpr std::size_t kLoggedErrorText = 200;
constexpr std::uint64_t kUrlFileLimit = 4096;

Error unavailable() {
  return {Code::ledger_unavailable, "The token ledger cannot be reached; try again shortly."};
}
Error overrun() {
  return {Code::ledger_unavailable,
          "Too many requests wait for the token ledger; try again shortly."};
}
Error refused() {
  return {Code::ledger_refused, "The token ledger refused the call; try again shortly."};
}

// What a caller learns of a failure; the cause is for the log, as it may name hosts.
Error answer_for(const Error& cause) {
  return cause.code() == Code::refused ? refused() : unavailable();
}

// One io thread's part. Used there only, but for its construction.
struct LaneState {
  LaneState(IoThreads& io, std::size_t index, const LaneOptions& options, Clock& clock, Gate& gate)
      : context(io.context(index)),
        lane(io.executor(index), options, clock, gate),
        nap(clock.make_timer(io.executor(index))) {}
  asio::execution_context& context;
  Lane lane;
  std::unique_ptr<Timer> nap;  // of a probe that runs here
};

class SharedLedger final : public RedisLedger {
 public:
  SharedLedger(const LaneOptions& options, const config::Token& token,
               const RedisLedgerDependencies& deps)
      : timeout_(options.timeout), clock_(deps.clock), script_(token, deps.ledger_clock) {
    for (std::size_t i = 0; i < deps.io.size(); ++i) {
      lanes_.push_back(std::make_unique<LaneState>(deps.io, i, options, clock_, gate_));
    }
  }

  Task<Result<LedgerEntry>> use(Id128 token, WallTime issued_at) override {
    return call({Operation::use, token, issued_at});
  }
  Task<Result<LedgerEntry>> renew(Id128 token, WallTime issued_at) override {
    return call({Operation::renew, token, issued_at});
  }
  Task<Result<WallTime>> now() override {
    MAS_CO_TRY(LedgerEntry entry, co_await call({}));
    co_return entry.now;
  }
  Task<Result<void>> ping() override {
    MAS_CO_CHECK(co_await call({}));
    co_return Result<void>();
  }
  Task<void> close() override;

 private:
  // A call made outside the io threads, taken to one of them.
  struct Crossing {
    Result<LedgerEntry> result{unavailable()};
    Event done;
  };

  Task<Result<LedgerEntry>> call(Request request);
  Task<void> cross(LaneState& lane, Request request, std::shared_ptr<Crossing> crossing);
  Task<Result<LedgerEntry>> call_on(LaneState& lane, Request request);
  // Runs the script. Errors: those of Link::ask(), token_invalid, ledger_refused.
  Task<Result<LedgerEntry>> run_script(Link& link, Request request, Instant deadline);
  // A call that began in `era` failed for `cause`: the caller's error. `down`: so will others.
  Error failed(LaneState& lane, Health::Era era, const Error& cause, bool down);
  Task<void> probe(LaneState& lane);
  Task<Result<void>> look(LaneState& lane);
  static Task<void> close_lane(LaneState& lane);

  Duration timeout_;
  Clock& clock_;
  Script script_;
  Health health_;
  Gate gate_;
  std::vector<std::unique_ptr<LaneState>> lanes_;
  std::atomic<std::size_t> turn_{0};
  std::atomic<bool> closing_{false};
};

// ---- calls ----

Task<Result<LedgerEntry>> SharedLedger::call(Request request) {
  auto pass = gate_.try_enter();
  if (!pass) co_return unavailable();
  Executor here = co_await asio::this_coro::executor;
  asio::execution_context& context = asio::query(here, asio::execution::context);
  for (auto& lane : lanes_) {
    if (&lane->context == &context) co_return co_await call_on(*lane, request);
  }
  LaneState& lane = *lanes_[turn_.fetch_add(1, std::memory_order_relaxed) % lanes_.size()];
  auto crossing = std::make_shared<Crossing>();
  auto crossed = cross(lane, request, crossing);
  if (!spawn(lane.lane.executor(), gate_, std::move(crossed), "redis call")) {
    co_return unavailable();
  }
  co_await crossing->done.wait();
  co_return std::move(crossing->result);
}

Task<void> SharedLedger::cross(LaneState& lane, Request request,
                               std::shared_ptr<Crossing> crossing) {
  auto calling = contain(call_on(lane, request), "redis call");
  crossing->result = co_await std::move(calling);
  crossing->done.set();
}

Task<Result<LedgerEntry>> SharedLedger::call_on(LaneState& lane, Request request) {
  Instant deadline = clock_.now() + timeout_;
  Health::Era era = health_.era();
  if (auto verdict = health_.verdict()) co_return *verdict;
  Result<Lane::Place> place = co_await lane.lane.take(deadline);
  if (place.has_error()) co_return overrun();
  if (auto verdict = health_.verdict()) co_return *verdict;  // learnt while this one waited
  // A server that had only the end of the time-out to answer in is not down for that.
  bool fair = deadline - clock_.now() > timeout_ / 2;
  if (!place->link) {
    auto connecting = lane.lane.connect(std::move(*place), deadline);
    place = co_await std::move(connecting);
    if (place.has_error()) {
      bool down = fair || place.error().code() != Code::timeout;
      co_return failed(lane, era, place.error(), down);
    }
  }
  Result<LedgerEntry> entry = co_await run_script(*place->link, request, deadline);
  if (entry.has_value()) co_return entry;
  Code code = entry.error().code();
  if (code == Code::token_invalid || code == Code::ledger_refused) co_return entry;
  // An end of this one connection says nothing of the next.
  bool down =
      entry.error().code() == Code::corrupt || (fair && entry.error().code() == Code::timeout);
  co_return failed(lane, era, entry.error(), down);
}

Task<Result<LedgerEntry>> SharedLedger::run_script(Link& link, Request request, Instant deadline) {
  auto asking = link.ask(script_.short_call(request), deadline);
  MAS_CO_TRY(Reply reply, co_await std::move(asking));
  if (reply.kind == Reply::Kind::error && reply.error_word() == "NOSCRIPT") {
    auto again = link.ask(script_.whole_call(request), deadline);
    MAS_CO_TRY(reply, co_await std::move(again));
  }
  if (reply.kind != Reply::Kind::error) {
    Result<LedgerEntry> entry = Script::read(reply);
    if (entry.has_error() && entry.error().code() == Code::corrupt) {
      link.spoil();
      // Something took the call; what it did cannot be told from this answer.
      co_return Error(entry.error()).mark_maybe_happened();
    }
    co_return entry;
  }
  // A server that is only a replica by now: another connection may lead to the new primary.
  if (reply.error_word() == "READONLY") link.spoil();
  if (log::once_a_minute("redis.refused")) {
    log::warn("redis.refused", {{"answer", reply.text.substr(0, kLoggedErrorText)}});
  }
  co_return refused();
}

Error SharedLedger::failed(LaneState& lane, Health::Era era, const Error& cause, bool down) {
  Error answer = answer_for(cause);
  if (down && health_.went_down(era, answer)) {
    log::warn("redis.down", {{"error", cause}});
    (void)spawn(lane.lane.executor(), gate_, probe(lane), "redis probe");
  }
  if (cause.maybe_happened()) answer.mark_maybe_happened();
  return answer;
}

// ---- the way back ----

Task<void> SharedLedger::probe(LaneState& lane) {
  while (!closing_.load()) {
    auto looking = contain(look(lane), "redis probe");
    Result<void> alive = co_await std::move(looking);
    if (alive.has_value()) {
      log::info("redis.back");
      health_.came_back();
      co_return;
    }
    health_.still_down(answer_for(alive.error()));
    // close() wakes this thread's nap after that flag is up.
    if (!closing_.load()) co_await lane.nap->wait(kProbeEvery);
  }
}

Task<Result<void>> SharedLedger::look(LaneState& lane) {
  Instant deadline = clock_.now() + timeout_;
  MAS_CO_TRY(LinkPtr link, co_await lane.lane.open(deadline));
  Result<LedgerEntry> entry = co_await run_script(*link, Request{}, deadline);
  // An error answer is an answer: those who call from now on learn the same.
  if (entry.has_value() || entry.error().code() == Code::ledger_refused) co_return Result<void>();
  co_return entry.error();
}

Task<void> SharedLedger::close() {
  closing_.store(true);
  for (auto& lane : lanes_) {
    (void)spawn(lane->lane.executor(), gate_, close_lane(*lane), "redis close");
  }
  co_await gate_.close();
}

Task<void> SharedLedger::close_lane(LaneState& lane) {
  lane.lane.close();
  lane.nap->cancel();
  co_return;
}

Result<std::string> read_url(const config::Redis& options, fs::Fs& fs) {
  if (options.url_file.empty()) return options.url;
  if (!options.url.empty()) {
    return Error(Code::invalid_argument, "Give redis.url or redis.url_file, not both.");
  }
  MAS_TRY(std::string text, fs::read_file(fs, options.url_file, kUrlFileLimit));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

}  // namespace

Result<std::unique_ptr<RedisLedger>> make_redis_ledger(const config::Redis& options,
                                                       const config::Token& token,
                                                       const RedisLedgerDependencies& deps) {
  MAS_TRY(std::string text, read_url(options, deps.fs));
  LaneOptions lane;
  MAS_TRY(lane.url, parse_url(text));
  if (lane.url.tls) {
    MAS_TRY(lane.tls, net::make_tls_client({options.ca_file, "", ""}));
  } else if (!options.ca_file.empty()) {
    return Error(Code::invalid_argument,
                 "redis.ca_file is set but the URL begins with redis://; for TLS write rediss://.");
  }
  lane.pool = options.pool;
  lane.timeout = options.timeout;
  return std::unique_ptr<RedisLedger>(std::make_unique<SharedLedger>(lane, token, deps));
}

}  // namespace mas::auth
