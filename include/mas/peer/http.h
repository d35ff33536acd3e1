// Shard calls between pods over HTTP/1.1, as doc/peer-protocol.md describes them: the transport
// that asks, the handler that answers on the peer port, and probes.
//
//   auto transport = make_http_transport(self, config.peer, resolver_of(board), {io, clock,
//   store}); auto handler = make_peer_handler(self, store, options, {clock, metrics}); auto server
//   = http::make_server(server_options(config), server_tls(config.peer), *handler, deps,
//                                   config.peer.ca_file);
//   ... stop the server, then: co_await transport->close(); ...
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/http/exchange.h"
#include "mas/membership/cluster_view.h"
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
  std::string secret;    // of read_secret()
  // What this pod knows now. Thread-safe, and quick: it is asked at each call.
  std::function<LayoutMark()> layout;
};

// Reads config::Cluster.secret_file: one line of at least 16 printable ASCII characters, space
// around it left out. Errors: those of reading, invalid_argument.
[[nodiscard]] Result<std::string> read_secret(fs::Fs& fs, const std::string& path);

// Where a member is reached and who has to answer there.
struct Address {
  std::string address;  // host:port
  std::string slot;
  Id128 incarnation;
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
// TLS with certificates of both sides if `options.certificate` is named.
[[nodiscard]] std::unique_ptr<HttpTransport> make_http_transport(Self self,
                                                                 const config::Peer& options,
                                                                 Resolver resolver,
                                                                 const TransportDependencies& deps);

struct HandlerOptions {
  // Whether the layout names this incarnation for this slot; others may only ping. Thread-safe.
  std::function<bool(std::string_view slot, const Id128& incarnation)> known;
  // The serialised layout this pod goes by, "" for none. Thread-safe; null: none is told.
  std::function<std::string()> layout;
  Prober* prober = nullptr;  // what probes for others are made with; null: none are
  std::uint64_t max_record = kMaxRecordBytes;
  // Bytes of all bodies being received, and of all records being sent; at least max_record each.
  std::uint64_t put_memory = 2 * kMaxRecordBytes;
  std::uint64_t read_memory = 2 * kMaxRecordBytes;
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
[[nodiscard]] config::Tls server_tls(const config::Peer& options);

}  // namespace mas::peer
