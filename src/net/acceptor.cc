#include "mas/net/acceptor.h"

#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mas/core/units.h"
#include "net/either_stream.h"
#include "net/tcp_stream.h"
#include "net/tls_context.h"
#include "net/tls_stream.h"

namespace mas::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr int kBacklog = 4096;

Error bad_address(const std::string& address, const std::string& why) {
  return {Code::invalid_argument, "Cannot listen on '" + address + "': " + why + "."};
}

std::string format_endpoint(const tcp::endpoint& endpoint) {
  std::string host = endpoint.address().to_string();
  if (endpoint.address().is_v6()) host = "[" + host + "]";
  return host + ":" + std::to_string(endpoint.port());
}

// Opens and binds; the port is shared with our other threads only where `reuse_port`.
Result<void> bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool reuse_port) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && reuse_port) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (error == asio::error::address_in_use) {
    return bad_address(format_endpoint(endpoint), "the port is in use by another program");
  }
  if (error) return bad_address(format_endpoint(endpoint), error.message());
  return {};
}

// An IPv4 client of an IPv6 socket is the same client as on an IPv4 one.
std::string client_address(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

Result<tcp::endpoint> parse_listen_address(const std::string& text) {
  std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad_address(text, "write it as HOST:PORT");
  std::string host = text.substr(0, colon);
  auto port = parse_u64(std::string_view(text).substr(colon + 1));
  if (port.has_error() || *port > 65535) {
    return bad_address(text, "the port must be a number up to 65535");
  }
  auto port_number = static_cast<std::uint16_t>(*port);
  if (host.empty()) return tcp::endpoint(tcp::v4(), port_number);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  error_code error;
  asio::ip::address address = asio::ip::make_address(host, error);
  if (!error) return tcp::endpoint(address, port_number);
  asio::io_context context;
  tcp::resolver resolver(context);
  auto found = resolver.resolve(host, std::to_string(port_number), error);
  if (error || found.empty()) return bad_address(text, "the host name is not known");
  return found.begin()->endpoint();
}

class TcpAcceptor final : public Acceptor {
 public:
  explicit TcpAcceptor(asio::io_context& context) : acceptor_(context) {}

  Result<void> listen(const tcp::endpoint& endpoint) {
    MAS_CHECK(bind(acceptor_, endpoint, true));
    error_code error;
    acceptor_.listen(kBacklog, error);
    if (error) return bad_address(format_endpoint(endpoint), error.message());
    tcp::endpoint bound = acceptor_.local_endpoint(error);
    if (error) return bad_address(format_endpoint(endpoint), error.message());
    address_ = format_endpoint(bound);
    return {};
  }

  Task<Result<Accepted>> accept(TlsServer* tls) override {
    error_code error;
    tcp::socket socket(acceptor_.get_executor());
    tcp::endpoint peer;
    co_await acceptor_.async_accept(socket, peer, asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
      co_return Error(Code::cancelled, "The listening socket was closed.");
    }
    if (error) co_return Error(Code::io, "A connection could not be accepted: " + error.message());
    Accepted accepted;
    accepted.client_address = client_address(peer.address());
    if (tls == nullptr) {
      accepted.stream = make_tcp_stream(std::move(socket));
    } else if (tls->takes_plain()) {
      accepted.stream = make_either_stream(std::move(socket), *tls);
    } else {
      accepted.stream = make_tls_server_stream(std::move(socket), *tls);
    }
    co_return accepted;
  }

  void close() override {
    error_code ignored;
    acceptor_.close(ignored);
  }
  [[nodiscard]] const std::string& address() const override { return address_; }

 private:
  tcp::acceptor acceptor_;
  std::string address_;
};

}  // namespace

Result<void> check_port_free(asio::io_context& context, const std::string& address) {
  MAS_TRY(tcp::endpoint endpoint, parse_listen_address(address));
  if (endpoint.port() == 0) return {};
  tcp::acceptor probe(context);
  return bind(probe, endpoint, false);
}

Result<std::unique_ptr<Acceptor>> listen(asio::io_context& context, const std::string& address) {
  MAS_TRY(tcp::endpoint endpoint, parse_listen_address(address));
  auto acceptor = std::make_unique<TcpAcceptor>(context);
  MAS_CHECK(acceptor->listen(endpoint));
  return std::unique_ptr<Acceptor>(std::move(acceptor));
}

}  // namespace mas::net
