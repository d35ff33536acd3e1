#include "net/tls_stream.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "net/tcp_stream.h"
#include "net/tls_context.h"

namespace mas::net {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

// The largest TLS record: small pieces are gathered up to it, so that a head and the first bytes of
// a body share one.
constexpr std::size_t kRecordSize = 16 * 1024;

class TlsStream final : public Stream {
 public:
  TlsStream(tcp::socket socket, std::shared_ptr<ssl::context> context, bool is_server)
      : context_(std::move(context)), stream_(std::move(socket), *context_), is_server_(is_server) {
    error_code ignored;
    stream_.next_layer().set_option(tcp::no_delay(true), ignored);
  }

  // The client side: who the other end must prove to be.
  void expect_host(const std::string& host) {
    host_ = host;
    error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    if (not_an_address) SSL_set_tlsext_host_name(stream_.native_handle(), host_.c_str());
    error_code ignored;
    stream_.set_verify_mode(ssl::verify_peer, ignored);
    stream_.set_verify_callback(ssl::host_name_verification(host_), ignored);
  }

  Task<Result<void>> handshake() override {
    error_code error;
    auto side = is_server_ ? ssl::stream_base::server : ssl::stream_base::client;
    co_await stream_.async_handshake(side, asio::redirect_error(asio::use_awaitable, error));
    if (!error) co_return Result<void>();
    if (error.category() == asio::error::get_ssl_category()) {
      co_return Error(Code::corrupt, "The TLS handshake failed: " + error.message() + ".");
    }
    co_return socket_error(error);
  }

  Task<Result<std::size_t>> read(MutableBytes into) override {
    error_code error;
    std::size_t size = 0;
    auto buffer = asio::buffer(into.data(), into.size());
    if (said_goodbye_) {
      size = co_await stream_.next_layer().async_read_some(
          buffer, asio::redirect_error(asio::use_awaitable, error));
    } else {
      size = co_await stream_.async_read_some(buffer,
                                              asio::redirect_error(asio::use_awaitable, error));
    }
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return socket_error(error);
    co_return size;
  }

  Task<Result<std::size_t>> write_some(std::span<const ByteView> pieces) override {
    while (pieces.front().empty()) pieces = pieces.subspan(1);
    ByteView bytes = pieces.front();
    if (pieces.size() > 1 && bytes.size() < kRecordSize) {
      gather(pieces);
      bytes = record_;
    }
    error_code error;
    std::size_t size = co_await stream_.async_write_some(
        asio::buffer(bytes.data(), bytes.size()), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return socket_error(error);
    co_return size;
  }

  // Sends the closing alert and waits for the other side's; one that still sends data makes this
  // end at once. What read() gives afterwards is raw, good for being thrown away.
  Task<Result<void>> shutdown_send() override {
    error_code ignored;
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    said_goodbye_ = true;
    error_code error;
    stream_.next_layer().shutdown(tcp::socket::shutdown_send, error);
    if (error) co_return socket_error(error);
    co_return Result<void>();
  }

  bool quiet() override { return is_quiet(stream_.next_layer()); }
  SendQueue send_queue() override { return send_queue_of(stream_.next_layer().native_handle()); }
  void cancel() override {
    error_code ignored;
    stream_.next_layer().cancel(ignored);
  }
  void close() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  void gather(std::span<const ByteView> pieces) {
    record_.clear();
    for (ByteView piece : pieces) {
      std::size_t size = std::min(piece.size(), kRecordSize - record_.size());
      record_.insert(record_.end(), piece.begin(), piece.begin() + static_cast<long>(size));
    }
  }

  std::shared_ptr<ssl::context> context_;
  ssl::stream<tcp::socket> stream_;
  bool is_server_;
  bool said_goodbye_ = false;
  std::string host_;
  std::vector<std::uint8_t> record_;
};

}  // namespace

std::unique_ptr<Stream> make_tls_server_stream(tcp::socket socket, TlsServer& server) {
  return std::make_unique<TlsStream>(std::move(socket), server.context(), true);
}

std::unique_ptr<Stream> make_tls_client_stream(tcp::socket socket, TlsClient& client,
                                               std::string host) {
  auto stream = std::make_unique<TlsStream>(std::move(socket), client.context(), false);
  stream->expect_host(host);
  return stream;
}

}  // namespace mas::net
