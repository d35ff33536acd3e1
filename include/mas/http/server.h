// The HTTP/1.1 server: acceptors on every io thread, sessions with limits and timeouts, graceful
// stop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mas/config/config.h"
#include "mas/http/exchange.h"
#include "mas/net/tls.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/io_threads.h"
#include "mas/runtime/rng.h"

namespace mas::http {

class Server {
 public:
  virtual ~Server() = default;
  // Binds `listen` ("host:port", port 0 for any; "[::1]:80" for IPv6) and starts accepting.
  // Errors: invalid_argument (bad address, port in use, no permission; says which).
  virtual Result<void> start() = 0;
  // The bound address, "host:port".
  [[nodiscard]] virtual std::string address() const = 0;
  // Stops accepting, closes idle connections, lets running requests end until `timeout`, then
  // closes their sockets; resumes when the last session is gone.
  virtual Task<void> stop(Duration timeout) = 0;
};

struct ServerDependencies {
  IoThreads& io;
  Clock& clock;
  Rng& rng;
  observe::Metrics& metrics;
  // What its metrics (mas_http_...) and its log lines (http.request) are named after, so that those
  // of several servers in one process can be told apart.
  std::string surface = "http";
  // What it speaks TLS with, instead of certificates from files.
  std::shared_ptr<net::TlsServer> tls = nullptr;
};

// TLS where both files of `tls` are named (read again when they change). Then, with
// `client_ca_file`, clients must present a certificate that one of those in it vouches for.
[[nodiscard]] std::unique_ptr<Server> make_server(const config::Http& options,
                                                  const config::Tls& tls, Handler& handler,
                                                  const ServerDependencies& deps,
                                                  const std::string& client_ca_file = "");

}  // namespace mas::http
