// Certificates and trust, as OpenSSL contexts.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "mas/net/tls.h"

namespace mas::net {

class TlsServer {
 public:
  virtual ~TlsServer() = default;
  // The context for the next handshake. Looks at the files at most once a second; a changed pair
  // that does not load is logged, and the old one stays.
  [[nodiscard]] virtual std::shared_ptr<boost::asio::ssl::context> context() = 0;
};

class TlsClient {
 public:
  virtual ~TlsClient() = default;
  [[nodiscard]] virtual std::shared_ptr<boost::asio::ssl::context> context() = 0;
};

}  // namespace mas::net
