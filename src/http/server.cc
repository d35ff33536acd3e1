#include "mas/http/server.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <vector>

#include "http/refusal.h"
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
// Connections over the limit that are being told so at any time; beyond these they are just closed.
constexpr std::size_t kMaxRefusals = 64;
// And no more of them than this share of the limit.
constexpr std::size_t kConnectionsToRefusals = 8;

// One io thread's share of the server. Used from that thread only, but for its construction.
struct Lane {
  Lane(Executor lane_executor, const config::Http& options, Handler& handler,
       const ServerDependencies& deps)
      : executor(lane_executor),
        context(options, handler, deps.clock, RequestMetrics(deps.metrics, deps.surface),
                deps.rng.u64()),
        back_off(deps.clock.make_timer(lane_executor)),
        stop_timer(deps.clock.make_timer(lane_executor)) {}

  Executor executor;
  SessionContext context;
  std::unique_ptr<net::Acceptor> acceptor;
  std::unique_ptr<Timer> back_off;
  std::unique_ptr<Timer> stop_timer;
  std::list<Session*> sessions;
};

class TcpServer final : public Server {
 public:
  TcpServer(const config::Http& options, const config::Tls& tls, Handler& handler,
            const ServerDependencies& deps, const std::string& client_ca_file)
      : options_(options),
        tls_files_(tls),
        client_ca_file_(client_ca_file),
        handler_(handler),
        deps_(deps) {}

  Result<void> start() override;
  [[nodiscard]] std::string address() const override { return address_; }
  Task<void> stop(Duration timeout) override;

 private:
  // Counts a connection for as long as it is there.
  class Registration {
   public:
    Registration(TcpServer& server, Lane& lane, Session& session)
        : server_(server), lane_(lane), session_(session) {
      place_ = lane.sessions.insert(lane.sessions.end(), &session);
      lane_.context.metrics.connections.add(1);
    }
    ~Registration() {
      session_.dismiss();
      lane_.sessions.erase(place_);
      lane_.context.metrics.connections.add(-1);
      server_.connections_.fetch_sub(1, std::memory_order_relaxed);
      if (lane_.context.stopping && lane_.sessions.empty()) lane_.stop_timer->cancel();
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    TcpServer& server_;
    Lane& lane_;
    Session& session_;
    std::list<Session*>::iterator place_;
  };

  Task<void> accept_loop(Lane& lane);
  void take(Lane& lane, net::Acceptor::Accepted accepted);
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
  std::shared_ptr<net::TlsServer> tls_;
  std::string address_;
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> refusals_{0};
  std::vector<std::unique_ptr<Lane>> lanes_;
  Gate gate_;
};

Result<void> TcpServer::start() {
  if (!tls_files_.certificate.empty() || !tls_files_.key.empty()) {
    MAS_TRY(tls_, net::make_tls_server(tls_files_, deps_.clock, client_ca_file_));
  }
  std::string address = options_.listen;
  MAS_CHECK(net::check_port_free(deps_.io.context(0), address));
  std::vector<std::unique_ptr<Lane>> lanes;
  for (std::size_t i = 0; i < deps_.io.size(); ++i) {
    lanes.push_back(std::make_unique<Lane>(deps_.io.executor(i), options_, handler_, deps_));
    MAS_TRY(lanes.back()->acceptor, net::listen(deps_.io.context(i), address));
    address = lanes.back()->acceptor->address();
  }
  address_ = std::move(address);
  lanes_ = std::move(lanes);
  for (auto& lane : lanes_) {
    MAS_ASSERT(spawn(lane->executor, gate_, accept_loop(*lane), "http accept"));
  }
  return {};
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
  if (connections_.fetch_add(1, std::memory_order_relaxed) >= options_.max_connections) {
    connections_.fetch_sub(1, std::memory_order_relaxed);
    lane.context.metrics.refused.add();
    turn_away(lane, std::move(accepted.stream));
    return;
  }
  auto session = std::make_shared<Session>(lane.context, lane.executor, std::move(accepted.stream),
                                           std::move(accepted.client_address));
  bool serving = spawn(lane.executor, gate_, watch(session), "http session timer");
  if (serving && !spawn(lane.executor, gate_, serve(lane, session), "http session")) {
    session->dismiss();
    serving = false;
  }
  if (!serving) connections_.fetch_sub(1, std::memory_order_relaxed);
}

void TcpServer::turn_away(Lane& lane, std::unique_ptr<net::Stream> stream) {
  const std::size_t most =
      std::min(kMaxRefusals, options_.max_connections / kConnectionsToRefusals + 1);
  if (refusals_.load(std::memory_order_relaxed) >= most) return;
  auto connection = std::make_shared<net::Connection>(deps_.clock, lane.executor, std::move(stream),
                                                      kRefusalTimeout);
  if (!spawn(lane.executor, gate_, watch_refusal(connection), "http refusal timer")) return;
  refusals_.fetch_add(1, std::memory_order_relaxed);
  auto answer = refusal_answer(lane);
  if (!spawn(lane.executor, gate_, refuse(connection, std::move(answer)), "http refusal")) {
    refusals_.fetch_sub(1, std::memory_order_relaxed);
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
  refusals_.fetch_sub(1, std::memory_order_relaxed);
}

Task<void> TcpServer::stop_lane(Lane& lane, Duration timeout) {
  lane.context.stopping = true;
  lane.acceptor->close();
  lane.back_off->cancel();
  for (Session* session : lane.sessions) session->stop_when_idle();
  if (lane.sessions.empty()) co_return;
  co_await lane.stop_timer->wait(timeout);
  for (Session* session : lane.sessions) session->abort();
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
