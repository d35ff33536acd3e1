// A listening socket of one io thread.
#pragma once

#include <memory>
#include <string>

#include "mas/core/result.h"
#include "mas/net/stream.h"
#include "mas/net/tls.h"

namespace boost::asio {
class io_context;
}

namespace mas::net {

class Acceptor {
 public:
  struct Accepted {
    std::unique_ptr<Stream> stream;
    std::string client_address;  // without port
  };

  virtual ~Acceptor() = default;
  // `tls` may be null: then the stream is plain. Errors: cancelled (after close()), io.
  virtual Task<Result<Accepted>> accept(TlsServer* tls) = 0;
  virtual void close() = 0;
  // Where it listens: numeric, with the port it was given.
  [[nodiscard]] virtual const std::string& address() const = 0;
};

// Addresses are "127.0.0.1:7080", "[::1]:80", "name:80"; an empty host is every IPv4 address, port
// 0 any free port.

// Fails if something else listens on `address` already. Needed because sockets with SO_REUSEPORT
// share a port without a word. Errors: invalid_argument.
[[nodiscard]] Result<void> check_port_free(boost::asio::io_context& context,
                                           const std::string& address);

// Listens with SO_REUSEPORT. Errors: invalid_argument.
[[nodiscard]] Result<std::unique_ptr<Acceptor>> listen(boost::asio::io_context& context,
                                                       const std::string& address);

}  // namespace mas::net
