// Dialler: how connections to other pods are made.
#pragma once

#include <memory>
#include <string>

#include "mas/http/client.h"
#include "mas/peer/http.h"

namespace mas::peer {

// Thread-safe.
class Dialler {
 public:
  // By TLS with the first of `keys`, or with certificates where `options` name them.
  Dialler(const config::Peer& options, const std::vector<auth::ClusterKey>& keys, Clock& clock);

  // A connection to be made to `address`; as pods of mas 0.1.0 want it if `v1`. `timeout`: of each
  // step, instead of those that are configured. Errors: closed (no address, or a malformed one).
  [[nodiscard]] Result<std::unique_ptr<http::Client>> dial(const Executor& executor,
                                                           const std::string& address, bool v1,
                                                           std::optional<Duration> timeout = {});
  [[nodiscard]] const config::Peer& options() const noexcept { return options_; }
  [[nodiscard]] Clock& clock() const noexcept { return clock_; }

 private:
  config::Peer options_;
  std::shared_ptr<net::TlsClient> tls_;  // null: with certificates
  Clock& clock_;
};

}  // namespace mas::peer
