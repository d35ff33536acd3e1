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
  // Both sides know a key, and need no certificates.
  [[nodiscard]] virtual bool by_key() const { return false; }
  // Who does not begin with TLS is taken as plain.
  [[nodiscard]] virtual bool takes_plain() const { return false; }
};

class TlsClient {
 public:
  virtual ~TlsClient() = default;
  [[nodiscard]] virtual std::shared_ptr<boost::asio::ssl::context> context() = 0;
  [[nodiscard]] virtual bool by_key() const { return false; }
};

}  // namespace mas::net
