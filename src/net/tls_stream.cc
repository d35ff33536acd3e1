#include "net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "net/hello_watch.h"
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
// What is read from the socket at once where peers send much: some records.
constexpr std::size_t kReadAhead = 8 * kRecordSize;
// What is written before it counts as progress.
constexpr std::size_t kWriteAtOnce = 16 * kRecordSize;

// What OpenSSL reads from and writes to.
struct Wire {
  tcp::socket socket;
  std::optional<HelloWatch> watch;  // of a server, until the handshake is done
};

// How OpenSSL gets at the socket: without a copy in between, never waiting, and without SIGPIPE. A
// socket that was closed meanwhile has no number any more.
Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }
int socket_of(BIO* bio) { return wire_of(bio).socket.native_handle(); }

int send_bytes(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(socket_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int receive_bytes(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const auto received = ::recv(socket_of(bio), bytes, static_cast<std::size_t>(size), 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  std::optional<HelloWatch>& watch = wire_of(bio).watch;
  if (received > 0 && watch) {
    const auto* said = reinterpret_cast<const std::uint8_t*>(bytes);
    if (!watch->pass({said, static_cast<std::size_t>(received)})) {
      ERR_raise(ERR_LIB_SSL, SSL_R_EXCESSIVE_MESSAGE_SIZE);
      return -1;
    }
  }
  return static_cast<int>(received);
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    MAS_ASSERT(made != nullptr);
    BIO_meth_set_write(made, send_bytes);
    BIO_meth_set_read(made, receive_bytes);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

struct FreeSsl {
  void operator()(SSL* connection) const { SSL_free(connection); }
};

Error closed_error(const std::string& why) {
  return {Code::closed, "The connection failed: " + why + "."};
}

bool is_wait(int why) { return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE; }

std::string last_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason != nullptr ? reason : "it ended";
}

class TlsStream final : public Stream {
 public:
  TlsStream(tcp::socket socket, std::shared_ptr<ssl::context> context, bool is_server, bool by_key)
      : context_(std::move(context)),
        wire_{std::move(socket), std::nullopt},
        ssl_(SSL_new(context_->native_handle())),
        by_key_(by_key) {
    MAS_ASSERT(ssl_ != nullptr);
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    BIO* bio = BIO_new(socket_method());
    MAS_ASSERT(bio != nullptr);
    BIO_set_data(bio, &wire_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_set_read_ahead(ssl_.get(), 1);
    if (by_key_) SSL_set_default_read_buffer_len(ssl_.get(), kReadAhead);
    if (is_server) {
      wire_.watch.emplace();
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
    }
  }

  // The client side: who the other end must prove to be.
  void expect_host(const std::string& host) {
    error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    X509_VERIFY_PARAM* expected = SSL_get0_param(ssl_.get());
    bool set = false;
    if (not_an_address) {
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
      set = X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size()) == 1;
    } else {
      set = X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
    }
    nobody_ = !set;
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
  }

  Task<Result<void>> handshake() override {
    if (nobody_) co_return Error(Code::corrupt, "The host's name is none a certificate can hold.");
    while (true) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      if (done == 1) break;
      const int why = SSL_get_error(ssl_.get(), done);
      if (why == SSL_ERROR_SSL) {
        co_return Error(Code::corrupt, "The TLS handshake failed: " + last_reason() + ".");
      }
      MAS_CO_CHECK(co_await wait_for(why));
    }
    wire_.watch.reset();
    proven_ = by_key_ ? SSL_session_reused(ssl_.get()) == 1 : has_certificate();
    if (by_key_ && !proven_) {
      co_return Error(Code::corrupt, "The TLS handshake failed: the key was not used.");
    }
    co_return Result<void>();
  }

  Task<Result<std::size_t>> read(MutableBytes into) override {
    if (said_goodbye_) co_return co_await read_raw(into);
    std::size_t filled = 0;
    while (true) {
      std::size_t size = 0;
      ERR_clear_error();
      const int done = SSL_read_ex(ssl_.get(), into.data() + filled, into.size() - filled, &size);
      if (done == 1) {
        filled += size;
        if (filled == into.size()) co_return filled;
        continue;
      }
      if (filled > 0) co_return filled;
      const int why = SSL_get_error(ssl_.get(), done);
      if (why == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
      MAS_CO_CHECK(co_await wait_for(why));
    }
  }

  Result<std::size_t> try_write(std::span<const ByteView> pieces) override {
    MAS_CHECK(send_stuck());
    if (!stuck_.empty()) return std::size_t{0};
    if (sent_ahead_ > 0) return take_sent_ahead(pieces);
    while (pieces.front().empty()) pieces = pieces.subspan(1);
    ByteView bytes = pieces.front();
    if (pieces.size() > 1 && bytes.size() < kRecordSize) {
      gather(pieces);
      bytes = record_;
    }
    bytes = bytes.first(std::min(bytes.size(), kWriteAtOnce));
    MAS_TRY(std::size_t written, write_now(bytes));
    if (written < bytes.size()) {
      // OpenSSL has made a record of the next ones, wants them again until it has gone, and does
      // not say so before: the caller may have them elsewhere by then.
      bytes = bytes.subspan(written);
      bytes = bytes.first(std::min(bytes.size(), kRecordSize));
      stuck_.assign(bytes.begin(), bytes.end());
    }
    return written;
  }

  Task<Result<void>> wait_writable() override {
    do {
      MAS_CO_CHECK(co_await wait_for(waits_for_));
      MAS_CO_CHECK(send_stuck());
    } while (!stuck_.empty());
    co_return Result<void>();
  }

  // Sends the closing alert and waits for the other side's; one that still sends data makes this
  // end at once. What read() gives afterwards is raw, good for being thrown away.
  Task<Result<void>> shutdown_send() override {
    while (SSL_is_init_finished(ssl_.get()) == 1) {
      ERR_clear_error();
      const int done = SSL_shutdown(ssl_.get());
      if (done == 1) break;
      if (done == 0) continue;
      Result<void> waited = co_await wait_for(SSL_get_error(ssl_.get(), done));
      if (waited.has_error()) break;
    }
    said_goodbye_ = true;
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    if (error) co_return socket_error(error);
    co_return Result<void>();
  }

  // The beginning of a record gives nothing yet.
  bool readable() override {
    if (said_goodbye_) return !is_quiet(socket_);
    char byte = 0;
    std::size_t size = 0;
    ERR_clear_error();
    const int done = SSL_peek_ex(ssl_.get(), &byte, 1, &size);
    return done == 1 || !is_wait(SSL_get_error(ssl_.get(), done));
  }
  bool quiet() override { return SSL_has_pending(ssl_.get()) == 0 && is_quiet(socket_); }
  SendQueue send_queue() override { return send_queue_of(socket_.native_handle()); }
  bool proven() override { return proven_; }
  void cancel() override {
    error_code ignored;
    socket_.cancel(ignored);
  }
  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  // Until what stopped OpenSSL has passed; an error where nothing will help.
  Task<Result<void>> wait_for(int why) {
    if (!is_wait(why)) co_return closed_error(last_reason());
    const auto what = why == SSL_ERROR_WANT_READ ? tcp::socket::wait_read : tcp::socket::wait_write;
    error_code error;
    co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return socket_error(error);
    co_return Result<void>();
  }

  // Writes what goes of `bytes`; where not all does, `waits_for_` says why.
  Result<std::size_t> write_now(ByteView bytes) {
    std::size_t written = 0;
    while (written < bytes.size()) {
      std::size_t size = 0;
      ERR_clear_error();
      const int done =
          SSL_write_ex(ssl_.get(), bytes.data() + written, bytes.size() - written, &size);
      if (done != 1) {
        waits_for_ = SSL_get_error(ssl_.get(), done);
        if (is_wait(waits_for_)) break;
        return closed_error(last_reason());
      }
      written += size;
    }
    return written;
  }

  // What went of it is told the caller when it comes with the same bytes again.
  Result<void> send_stuck() {
    if (stuck_.empty()) return {};
    MAS_TRY(std::size_t written, write_now(stuck_));
    sent_ahead_ += written;
    stuck_.erase(stuck_.begin(), stuck_.begin() + static_cast<long>(written));
    if (stuck_.empty()) stuck_.shrink_to_fit();
    return {};
  }

  std::size_t take_sent_ahead(std::span<const ByteView> pieces) {
    std::size_t size = 0;
    for (ByteView piece : pieces) size += piece.size();
    size = std::min(size, sent_ahead_);
    sent_ahead_ -= size;
    return size;
  }

  Task<Result<std::size_t>> read_raw(MutableBytes into) {
    error_code error;
    const std::size_t size = co_await socket_.async_read_some(
        asio::buffer(into.data(), into.size()), asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return socket_error(error);
    co_return size;
  }

  [[nodiscard]] bool has_certificate() const {
    return SSL_get0_peer_certificate(ssl_.get()) != nullptr &&
           SSL_get_verify_result(ssl_.get()) == X509_V_OK;
  }

  void gather(std::span<const ByteView> pieces) {
    record_.clear();
    for (ByteView piece : pieces) {
      std::size_t size = std::min(piece.size(), kRecordSize - record_.size());
      record_.insert(record_.end(), piece.begin(), piece.begin() + static_cast<long>(size));
    }
  }

  std::shared_ptr<ssl::context> context_;
  Wire wire_;
  tcp::socket& socket_ = wire_.socket;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  const bool by_key_;
  bool nobody_ = false;  // can prove to be the host that is expected
  bool proven_ = false;
  bool said_goodbye_ = false;
  std::vector<std::uint8_t> record_;
  int waits_for_ = SSL_ERROR_WANT_WRITE;
  std::vector<std::uint8_t> stuck_;  // bytes of a record that has not gone
  std::size_t sent_ahead_ = 0;       // bytes that have gone, and the caller does not know of yet
};

}  // namespace

std::unique_ptr<Stream> make_tls_server_stream(tcp::socket socket, TlsServer& server) {
  return std::make_unique<TlsStream>(std::move(socket), server.context(), true, server.by_key());
}

std::unique_ptr<Stream> make_tls_client_stream(tcp::socket socket, TlsClient& client,
                                               std::string host) {
  auto stream =
      std::make_unique<TlsStream>(std::move(socket), client.context(), false, client.by_key());
  if (!client.by_key()) stream->expect_host(host);
  return stream;
}

}  // namespace mas::net
