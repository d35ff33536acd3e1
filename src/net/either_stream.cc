#include "net/either_stream.h"

#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/tcp_stream.h"
#include "net/tls_stream.h"

namespace mas::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Of a TLS record that begins a handshake. No HTTP request begins with it.
constexpr unsigned char kHandshake = 0x16;

class EitherStream final : public Stream {
 public:
  EitherStream(tcp::socket socket, TlsServer& server)
      : socket_(std::move(socket)), server_(server) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
  }

  Task<Result<void>> handshake() override {
    error_code error;
    co_await socket_.async_wait(tcp::socket::wait_read,
                                asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return socket_error(error);
    unsigned char first = 0;
    const ssize_t size = ::recv(socket_.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size != 1) co_return Error(Code::closed, "The connection ended before it began.");
    inner_ = first == kHandshake ? make_tls_server_stream(std::move(socket_), server_)
                                 : make_tcp_stream(std::move(socket_));
    co_return co_await inner_->handshake();
  }

  // The others follow handshake().
  Task<Result<std::size_t>> read(MutableBytes into) override {
    if (!inner_) return no_handshake<std::size_t>();
    return inner_->read(into);
  }
  Result<std::size_t> try_write(std::span<const ByteView> pieces) override {
    if (!inner_) return no_handshake_error();
    return inner_->try_write(pieces);
  }
  Task<Result<void>> wait_writable() override {
    if (!inner_) return no_handshake<void>();
    return inner_->wait_writable();
  }
  Task<Result<void>> shutdown_send() override {
    if (!inner_) return no_handshake<void>();
    return inner_->shutdown_send();
  }
  bool readable() override { return inner_ && inner_->readable(); }
  bool quiet() override { return inner_ && inner_->quiet(); }
  SendQueue send_queue() override {
    return inner_ ? inner_->send_queue() : send_queue_of(socket_.native_handle());
  }
  bool proven() override { return inner_ && inner_->proven(); }
  void cancel() override {
    error_code ignored;
    inner_ ? inner_->cancel() : static_cast<void>(socket_.cancel(ignored));
  }
  void close() override {
    error_code ignored;
    inner_ ? inner_->close() : static_cast<void>(socket_.close(ignored));
  }

 private:
  static Error no_handshake_error() { return {Code::closed, "The connection has not begun."}; }
  template <class T>
  static Task<Result<T>> no_handshake() {
    co_return no_handshake_error();
  }

  tcp::socket socket_;
  TlsServer& server_;
  std::unique_ptr<Stream> inner_;
};

}  // namespace

std::unique_ptr<Stream> make_either_stream(tcp::socket socket, TlsServer& server) {
  return std::make_unique<EitherStream>(std::move(socket), server);
}

}  // namespace mas::net
