#include "net/tcp_stream.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace mas::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class TcpStream final : public Stream {
 public:
  explicit TcpStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
  }

  Task<Result<void>> handshake() override { co_return Result<void>(); }

  Task<Result<std::size_t>> read(MutableBytes into) override {
    error_code error;
    std::size_t size = co_await socket_.async_read_some(
        asio::buffer(into.data(), into.size()), asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return socket_error(error);
    co_return size;
  }

  Result<std::size_t> try_write(std::span<const ByteView> pieces) override {
    MAS_ASSERT(pieces.size() <= kMaxPieces);
    std::array<asio::const_buffer, kMaxPieces> buffers;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      buffers[i] = asio::const_buffer(pieces[i].data(), pieces[i].size());
    }
    std::span<const asio::const_buffer> sequence(buffers.data(), pieces.size());
    error_code error;
    const std::size_t size = socket_.write_some(sequence, error);
    if (error == asio::error::would_block) return std::size_t{0};
    if (error) return socket_error(error);
    return size;
  }

  Task<Result<void>> wait_writable() override {
    error_code error;
    co_await socket_.async_wait(asio::ip::tcp::socket::wait_write,
                                asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return socket_error(error);
    co_return Result<void>();
  }

  Task<Result<void>> shutdown_send() override {
    error_code error;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
    if (error) co_return socket_error(error);
    co_return Result<void>();
  }

  bool readable() override { return !is_quiet(socket_); }
  bool quiet() override { return is_quiet(socket_); }
  SendQueue send_queue() override { return send_queue_of(socket_.native_handle()); }
  void cancel() override {
    error_code ignored;
    socket_.cancel(ignored);
  }
  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::ip::tcp::socket socket_;
};

}  // namespace

std::unique_ptr<Stream> make_tcp_stream(asio::ip::tcp::socket socket) {
  return std::make_unique<TcpStream>(std::move(socket));
}

bool is_quiet(asio::ip::tcp::socket& socket) {
  char byte = 0;
  ssize_t size = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Error socket_error(const error_code& error) {
  return {Code::closed, "The connection failed: " + error.message() + "."};
}

}  // namespace mas::net
