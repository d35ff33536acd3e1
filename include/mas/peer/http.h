// Shard calls between pods over HTTP/1.1, as doc/peer-protocol.md describes them: the transport
// that asks, the handler that answers on the peer port, and probes.
//
//   auto transport = make_http_transport(self, config.peer, resolver_of(board), {io, clock,
//   store}); auto handler = make_peer_handler(self, store, options, {clock, metrics});
//   server_deps.tls = server_tls(config.peer, self.keys);
//   auto server = http::make_server(server_options(config), server_files(config.peer), *handler,
//                                   server_deps, config.peer.ca_file);
//   ... stop the server, then: co_await transport->close(); ...
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mas/auth/cluster_keys.h"
#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/http/exchange.h"
#include "mas/membership/cluster_view.h"
#include "mas/net/tls.h"
#include "mas/observe/metrics.h"
#include "mas/peer/transport.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/io_threads.h"

namespace mas::peer {

// What the store takes in one record.
inline constexpr std::uint64_t kMaxRecordBytes = 128 * kMiB;

struct LayoutMark {
  std::uint64_t version = 0;
  Id128 cluster;  // the cluster's id; zero before it is founded
};

// This pod as it shows itself to its peers.
struct Self {
  std::string cluster;  // config::Cluster.name
  std::string slot;
  Id128 incarnation;
  std::string software;  // version
  // Of the secrets: the first one proves this pod to others, each proves them.
  std::vector<auth::ClusterKey> keys;
  // Of read_secrets(), for pods of mas 0.1.0 (config::Peer.accept_v1), which want to see one.
  std::vector<std::string> secrets = {};
  // What this pod knows now. Thread-safe, and quick: it is asked at each call.
  std::function<LayoutMark()> layout;
};

// Reads config::Cluster.secret_file: one line of at least 16 printable ASCII characters, or two
// during a change, space around them left out. Errors: those of reading, invalid_argument.
[[nodiscard]] Result<std::vector<std::string>> read_secrets(fs::Fs& fs, const std::string& path);

// Where a member is reached and who has to answer there.
struct Address {
  std::string address;  // host:port
  std::string slot;
  Id128 incarnation;
  bool v1 = false;  // it is of mas 0.1.0, as its heartbeat says
};
// nullopt: the member is not there, or not reachable. Thread-safe; asked at each call, so that a
// new address is used at once.
using Resolver = std::function<std::optional<Address>(layout::MemberIndex)>;
// The members of the board's current view that are alive. `board` outlives it.
[[nodiscard]] Resolver resolver_of(const membership::ViewBoard& board);

// What a pod says of itself.
struct PingAnswer {
  std::string slot;
  Id128 incarnation;
  std::string cluster;
  Id128 cluster_id;
  std::uint64_t layout_version = 0;
  std::string software;
  WallTime wall;
};

// Asks whether a pod is there. Each probe is a connection of its own, so that it tells something of
// new ones. Thread-safe. At most 16 probes run on each io thread; more wait, up to a bound (busy).
class Prober {
 public:
  virtual ~Prober() = default;
  // `timeout` for all of it. Errors: closed, timeout, refused (something else is there), busy.
  virtual Task<Result<PingAnswer>> ping(std::string address, Duration timeout) = 0;
  // Has the pod at `via` ping `target`, which gets half of `timeout`. Errors: closed and timeout
  // (`via` did not answer: nothing is known of `target`), not_found (`via` cannot reach `target`),
  // refused, busy.
  virtual Task<Result<PingAnswer>> probe_through(std::string via, std::string target,
                                                 Duration timeout) = 0;
};

class HttpTransport : public PeerTransport, public Prober {
 public:
  // What HandlerOptions.ledger of that member says; `timeout` for all of it. Not of this pod's own.
  // Errors: closed, timeout, refused (an older pod, too), busy.
  virtual Task<Result<std::string>> ledger(layout::MemberIndex member, Duration timeout) = 0;
  // New calls to other pods fail (closed); resumes when the running ones have ended, as their
  // time-outs see to, and idle connections are closed. Before the io threads stop.
  virtual Task<void> close() = 0;
  // The layout document that another member goes by. Errors: those of PeerTransport; not_found (it
  // knows none); corrupt.
  virtual Task<Result<layout::Layout>> layout_of(layout::MemberIndex member) = 0;
};

struct TransportDependencies {
  IoThreads& io;
  Clock& clock;
  store::Store& store;  // this pod's own
};

// Calls go out on the io thread they are made on; from other threads, on any. At most
// `options.connections` connections to each peer, shared out among the io threads (fewer
// connections than threads: the first threads carry all); calls wait for one, up to a bound (busy).
// TLS 1.3 with the first of `self.keys`, or TLS with certificates of both sides if
// `options.certificate` is named. Pods of mas 0.1.0 are called as they want it.
[[nodiscard]] std::unique_ptr<HttpTransport> make_http_transport(Self self,
                                                                 const config::Peer& options,
                                                                 Resolver resolver,
                                                                 const TransportDependencies& deps);

struct HandlerOptions {
  // Whether the layout names this incarnation for this slot; others may only ping. Thread-safe.
  std::function<bool(std::string_view slot, const Id128& incarnation)> known;
  // This pod's share of the redundancy ledger, at most 64 KiB; null: it has none. Thread-safe.
  std::function<std::string()> ledger = {};
  // The serialised layout this pod goes by, "" for none. Thread-safe; null: none is told.
  std::function<std::string()> layout;
  // Whether pods of mas 0.1.0 are served, which show the cluster's secret.
  bool accept_v1 = false;
  Prober* prober = nullptr;  // what probes for others are made with; null: none are
  std::uint64_t max_record = kMaxRecordBytes;
  // Bytes of all bodies being received, and of all records being sent. A record larger than that
  // goes alone.
  std::uint64_t put_memory = config::Peer().receive_memory;
  std::uint64_t read_memory = config::Peer().send_memory;
};

struct HandlerDependencies {
  Clock& clock;
  observe::Metrics& metrics;
};

// Answers the peer port. `store` and what the options point to outlive it.
[[nodiscard]] std::unique_ptr<http::Handler> make_peer_handler(Self self, store::Store& store,
                                                               HandlerOptions options,
                                                               const HandlerDependencies& deps);

// The peer port's limits: those of the front, but the sender of a body is let go after
// Peer.io_timeout without a bearable pace, since it holds memory others wait for.
[[nodiscard]] config::Http server_options(const config::Config& config);
// Certificates if `options` name them, else none; and what it speaks TLS with then.
[[nodiscard]] config::Tls server_files(const config::Peer& options);
[[nodiscard]] std::shared_ptr<net::TlsServer> server_tls(const config::Peer& options,
                                                         const std::vector<auth::ClusterKey>& keys);

}  // namespace mas::peer
