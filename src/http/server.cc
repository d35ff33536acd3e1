#include "mas/http/server.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "http/refusal.h"
#include "http/refusal_tally.h"
#include "http/session.h"
#include "http/session_exchange.h"
#include "mas/net/acceptor.h"
#include "mas/net/tls.h"
#include "mas/observe/log.h"
#include "mas/runtime/sync.h"

namespace mas::http {
namespace {

// After a failed accept (out of file descriptors, mostly), so that the loop does not spin.
constexpr Duration kAcceptBackOff = std::chrono::milliseconds(100);
// Connections over the limit that are being told so, or for which other io threads are asked for
// room, at any time; beyond these they are just closed.
constexpr std::size_t kMaxBeside = 64;
// And no more of them than this share of the limit.
constexpr std::size_t kConnectionsToBeside = 8;
// How often refused requests are summed up in the log.
constexpr Duration kTellEvery = std::chrono::minutes(1);

// One io thread's share of the server. Used from that thread only, but for its construction.
struct Lane {
  Lane(Executor lane_executor, const config::Http& options, Handler& handler,
       const ServerDependencies& deps, RefusalTally& refusals)
      : executor(lane_executor),
        context(options, handler, deps.clock, RequestMetrics(deps.metrics, deps.surface, refusals),
                deps.rng.u64()),
        back_off(deps.clock.make_timer(lane_executor)),
        stop_timer(deps.clock.make_timer(lane_executor)),
        tell_timer(deps.clock.make_timer(lane_executor)) {}

  Executor executor;
  SessionContext context;
  std::unique_ptr<net::Acceptor> acceptor;
  std::unique_ptr<Timer> back_off;
  std::unique_ptr<Timer> stop_timer;
  std::unique_ptr<Timer> tell_timer;
  std::size_t sessions = 0;
};

// A connection that waits for another io thread to make room for it. Its stream is its own
// thread's.
struct Newcomer {
  Lane& home;
  net::Acceptor::Accepted accepted;
  bool has_place = false;  // of another connection, which made room for it
};

class TcpServer final : public Server {
 public:
  TcpServer(const config::Http& options, const config::Tls& tls, Handler& handler,
            const ServerDependencies& deps, const std::string& client_ca_file)
      : options_(options),
        tls_files_(tls),
        client_ca_file_(client_ca_file),
        handler_(handler),
        deps_(deps),
        told_refusals_(deps.surface + ".refused") {}

  Result<void> start() override;
  [[nodiscard]] std::string address() const override { return address_; }
  Task<void> stop(Duration timeout) override;

 private:
  // Counts a connection for as long as it is there.
  class Registration {
   public:
    Registration(TcpServer& server, Lane& lane, Session& session)
        : server_(server), lane_(lane), session_(session) {
      ++lane_.sessions;
      lane_.context.metrics.connections.add(1);
    }
    ~Registration() {
      session_.dismiss();
      lane_.context.metrics.connections.add(-1);
      // Who made room has given its place away already.
      if (!session_.made_room()) server_.release();
      if (--lane_.sessions == 0 && lane_.context.stopping) lane_.stop_timer->cancel();
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    TcpServer& server_;
    Lane& lane_;
    Session& session_;
  };

  Task<void> accept_loop(Lane& lane);
  Task<void> tell_refusals(Lane& lane);
  void take(Lane& lane, net::Acceptor::Accepted accepted);
  [[nodiscard]] bool reserve();
  void release() { connections_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] bool enter_beside();
  void leave_beside() { beside_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] bool take_place(Lane& lane);
  [[nodiscard]] bool seek_elsewhere(Lane& lane, net::Acceptor::Accepted& accepted);
  Task<void> seek_room(std::shared_ptr<Newcomer> newcomer, std::size_t lane, std::size_t asked);
  Task<void> settle(std::shared_ptr<Newcomer> newcomer);
  void begin(Lane& lane, net::Acceptor::Accepted accepted);
  Task<void> serve(Lane& lane, std::shared_ptr<Session> session);
  static Task<void> watch(std::shared_ptr<Session> session);
  static Task<void> watch_refusal(std::shared_ptr<net::Connection> connection);
  void turn_away(Lane& lane, std::unique_ptr<net::Stream> stream);
  std::string refusal_answer(Lane& lane);
  Task<void> refuse(std::shared_ptr<net::Connection> connection, std::string answer);
  Task<void> stop_lane(Lane& lane, Duration timeout);

  config::Http options_;
  config::Tls tls_files_;
  std::string client_ca_file_;
  Handler& handler_;
  ServerDependencies deps_;
  RefusalTally told_refusals_;
  std::shared_ptr<net::TlsServer> tls_;
  std::string address_;
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> beside_{0};
  std::vector<std::unique_ptr<Lane>> lanes_;
  Gate gate_;
};

Result<void> TcpServer::start() {
  tls_ = deps_.tls;
  if (!tls_ && (!tls_files_.certificate.empty() || !tls_files_.key.empty())) {
    MAS_TRY(tls_, net::make_tls_server(tls_files_, deps_.clock, client_ca_file_));
  }
  std::string address = options_.listen;
  MAS_CHECK(net::check_port_free(deps_.io.context(0), address));
  std::vector<std::unique_ptr<Lane>> lanes;
  for (std::size_t i = 0; i < deps_.io.size(); ++i) {
    lanes.push_back(
        std::make_unique<Lane>(deps_.io.executor(i), options_, handler_, deps_, told_refusals_));
    MAS_TRY(lanes.back()->acceptor, net::listen(deps_.io.context(i), address));
    address = lanes.back()->acceptor->address();
  }
  address_ = std::move(address);
  lanes_ = std::move(lanes);
  for (auto& lane : lanes_) {
    MAS_ASSERT(spawn(lane->executor, gate_, accept_loop(*lane), "http accept"));
  }
  Lane& first = *lanes_.front();
  MAS_ASSERT(spawn(first.executor, gate_, tell_refusals(first), "http refusals"));
  return {};
}

// Of all lanes, on the first one's thread.
Task<void> TcpServer::tell_refusals(Lane& lane) {
  while (!lane.context.stopping) {
    co_await lane.tell_timer->wait(kTellEvery);
    told_refusals_.tell();
  }
}

Task<void> TcpServer::accept_loop(Lane& lane) {
  while (!lane.context.stopping) {
    auto accepted = co_await lane.acceptor->accept(tls_.get());
    if (lane.context.stopping) co_return;
    if (accepted.has_value()) {
      take(lane, std::move(*accepted));
      continue;
    }
    if (accepted.error().code() == Code::cancelled) co_return;
    lane.context.metrics.accept_errors.add();
    if (log::once_a_minute("http.accept_failed")) {
      log::warn("http.accept_failed", {{"error", accepted.error()}});
    }
    co_await lane.back_off->wait(kAcceptBackOff);
  }
}

void TcpServer::take(Lane& lane, net::Acceptor::Accepted accepted) {
  if (reserve() || take_place(lane)) {
    begin(lane, std::move(accepted));
  } else if (!seek_elsewhere(lane, accepted)) {
    turn_away(lane, std::move(accepted.stream));
  }
}

bool TcpServer::reserve() {
  if (connections_.fetch_add(1, std::memory_order_relaxed) < options_.max_connections) return true;
  release();
  return false;
}

bool TcpServer::enter_beside() {
  const std::size_t most =
      std::min(kMaxBeside, options_.max_connections / kConnectionsToBeside + 1);
  if (beside_.fetch_add(1, std::memory_order_relaxed) < most) return true;
  leave_beside();
  return false;
}

// Closes the connection of this lane that is missed least, whose place is the caller's then; false
// if none of them waits.
bool TcpServer::take_place(Lane& lane) {
  Session* session = lane.context.crowd.longest_waiting();
  if (session == nullptr) return false;
  session->make_room();
  lane.context.metrics.made_room.add();
  return true;
}

// Leaves `accepted` alone where it gives false.
bool TcpServer::seek_elsewhere(Lane& lane, net::Acceptor::Accepted& accepted) {
  if (lanes_.size() < 2 || !enter_beside()) return false;
  auto same = [&lane](const std::unique_ptr<Lane>& one) { return one.get() == &lane; };
  const auto home = std::find_if(lanes_.begin(), lanes_.end(), same) - lanes_.begin();
  const std::size_t next = (static_cast<std::size_t>(home) + 1) % lanes_.size();
  auto newcomer = std::make_shared<Newcomer>(Newcomer{lane, std::move(accepted)});
  const bool asks =
      spawn(lanes_[next]->executor, gate_, seek_room(newcomer, next, 1), "http seek room");
  if (!asks) leave_beside();
  return true;
}

// On the thread of lane number `lane`; `asked`: lanes that were asked, this one included.
Task<void> TcpServer::seek_room(std::shared_ptr<Newcomer> newcomer, std::size_t lane,
                                std::size_t asked) {
  const std::size_t next = (lane + 1) % lanes_.size();
  // The newcomer's own lane had none.
  newcomer->has_place = take_place(*lanes_[lane]);
  const bool goes_on = !newcomer->has_place && asked + 1 < lanes_.size();
  const Executor& executor = goes_on ? lanes_[next]->executor : newcomer->home.executor;
  auto then = goes_on ? seek_room(newcomer, next, asked + 1) : settle(newcomer);
  const bool begun = spawn(executor, gate_, std::move(then), "http seek room");
  if (!begun) leave_beside();
  if (!begun && newcomer->has_place) release();
  co_return;
}

// Back on its own thread.
Task<void> TcpServer::settle(std::shared_ptr<Newcomer> newcomer) {
  leave_beside();
  Lane& lane = newcomer->home;
  if (lane.context.stopping) {
    if (newcomer->has_place) release();
    co_return;
  }
  if (newcomer->has_place || reserve()) {
    begin(lane, std::move(newcomer->accepted));
  } else {
    turn_away(lane, std::move(newcomer->accepted.stream));
  }
}

// Within the limit.
void TcpServer::begin(Lane& lane, net::Acceptor::Accepted accepted) {
  auto session = std::make_shared<Session>(lane.context, lane.executor, std::move(accepted.stream),
                                           std::move(accepted.client_address));
  bool serving = spawn(lane.executor, gate_, watch(session), "http session timer");
  if (serving && !spawn(lane.executor, gate_, serve(lane, session), "http session")) {
    session->dismiss();
    serving = false;
  }
  if (!serving && !session->made_room()) release();
}

void TcpServer::turn_away(Lane& lane, std::unique_ptr<net::Stream> stream) {
  lane.context.metrics.refused.add();
  if (!enter_beside()) return;
  auto connection = std::make_shared<net::Connection>(deps_.clock, lane.executor, std::move(stream),
                                                      kRefusalTimeout);
  if (!spawn(lane.executor, gate_, watch_refusal(connection), "http refusal timer")) {
    leave_beside();
    return;
  }
  auto answer = refusal_answer(lane);
  if (!spawn(lane.executor, gate_, refuse(connection, std::move(answer)), "http refusal")) {
    leave_beside();
    connection->watchdog().stop();
  }
}

Task<void> TcpServer::serve(Lane& lane, std::shared_ptr<Session> session) {
  Registration registration(*this, lane, *session);
  co_await session->run();
}

Task<void> TcpServer::watch(std::shared_ptr<Session> session) { co_await session->watch(); }

Task<void> TcpServer::watch_refusal(std::shared_ptr<net::Connection> connection) {
  co_await connection->watchdog().run();
}

// The envelope for a connection over the limit.
std::string TcpServer::refusal_answer(Lane& lane) {
  Error error(Code::busy, "The server has too many connections; try again shortly.");
  std::string id = lane.context.ids.next();
  auto [head, body] = handler_.early_error(error, id);
  ResponseFraming framing;
  framing.length = body.size();
  framing.close = true;
  std::string out;
  append_response_head(out, head, id, lane.context.date.at(deps_.clock.wall()), framing);
  out += body;
  return out;
}

Task<void> TcpServer::refuse(std::shared_ptr<net::Connection> connection, std::string answer) {
  co_await refuse_connection(std::move(connection), std::move(answer));
  leave_beside();
}

Task<void> TcpServer::stop_lane(Lane& lane, Duration timeout) {
  lane.context.stopping = true;
  lane.acceptor->close();
  lane.back_off->cancel();
  lane.tell_timer->cancel();
  lane.context.crowd.for_each([](Session& session) { session.stop_when_idle(); });
  if (lane.sessions == 0) co_return;
  co_await lane.stop_timer->wait(timeout);
  lane.context.crowd.for_each([](Session& session) { session.abort(); });
}

Task<void> TcpServer::stop(Duration timeout) {
  for (auto& lane : lanes_) {
    (void)spawn(lane->executor, gate_, stop_lane(*lane, timeout), "http stop");
  }
  co_await gate_.close();
}

}  // namespace

std::unique_ptr<Server> make_server(const config::Http& options, const config::Tls& tls,
                                    Handler& handler, const ServerDependencies& deps,
                                    const std::string& client_ca_file) {
  return std::make_unique<TcpServer>(options, tls, handler, deps, client_ca_file);
}

}  // namespace mas::http
