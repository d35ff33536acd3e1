// A listening socket of one io thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "http/stream.h"

namespace mas::http {

class TlsServer;

// "127.0.0.1:7080", "[::1]:80", "name:80". An empty host is every IPv4 address.
// Errors: invalid_argument.
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> parse_listen_address(std::string_view text);
[[nodiscard]] std::string format_endpoint(const boost::asio::ip::tcp::endpoint& endpoint);

// Fails if something else listens there already. Needed because sockets with SO_REUSEPORT share a
// port without a word. Errors: invalid_argument.
[[nodiscard]] Result<void> check_port_free(boost::asio::io_context& context,
                                           const boost::asio::ip::tcp::endpoint& endpoint);

class Acceptor {
 public:
  struct Accepted {
    std::unique_ptr<Stream> stream;
    std::string client_address;  // without port
  };

  // Listens with SO_REUSEPORT. Errors: invalid_argument.
  [[nodiscard]] static Result<std::unique_ptr<Acceptor>> listen(
      boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& endpoint);

  // `tls` may be null: then the stream is plain. Errors: cancelled (after close()), io.
  Task<Result<Accepted>> accept(TlsServer* tls);
  void close();
  [[nodiscard]] boost::asio::ip::tcp::endpoint endpoint() const { return endpoint_; }

 private:
  explicit Acceptor(boost::asio::io_context& context) : acceptor_(context) {}

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::endpoint endpoint_;
};

}  // namespace mas::http
