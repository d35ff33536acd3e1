#include "mas/http/client.h"

#include <algorithm>
#include <array>

#include "http/body_reader.h"
#include "http/head_parser.h"
#include "http/request_sender.h"
#include "mas/net/connect.h"
#include "mas/net/connection.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/sync.h"

namespace mas::http {
namespace {

constexpr HeadLimits kHeadLimits{64 * 1024, 256};
// Interim answers (1xx) read before giving up on the final one.
constexpr int kMaxInterim = 16;
// Into a time-out, to see whether the server still takes what it is sent.
constexpr int kLooks = 4;
constexpr Duration kContinueWait = std::chrono::seconds(1);
// How long an answer is looked for after sending failed.
constexpr Duration kLastWords = std::chrono::seconds(1);

Error closed_early() { return {Code::closed, "The server closed the connection early."}; }

// The answer's bytes, each read bounded by the time-out.
class AnswerSource final : public ByteSource {
 public:
  AnswerSource(net::Connection& connection, Duration timeout)
      : connection_(connection), timeout_(timeout) {}
  Task<Result<std::size_t>> read(MutableBytes into) override {
    Result<std::size_t> size =
        co_await connection_.read(into, connection_.clock().now() + timeout_);
    if (size.has_value() && *size == 0) ended_ = true;
    co_return size;
  }
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  net::Connection& connection_;
  Duration timeout_;
  bool ended_ = false;
};

// One connection and what is read from it.
struct Link {
  Link(std::unique_ptr<net::Stream> stream, Clock& clock, const Executor& executor,
       Duration timeout)
      : connection(clock, executor, std::move(stream), timeout / kLooks),
        source(connection, timeout) {}
  net::Connection connection;
  AnswerSource source;
  InputBuffer input;
  std::optional<BodyReader> body;
  bool reusable = true;
  bool answer_began = false;  // to the request at hand
};

Task<void> watch(std::shared_ptr<Link> link) { co_await link->connection.watchdog().run(); }

// The next final answer's head; a 100 Continue only where it is wanted.
Task<Result<ParsedResponse>> read_head(Link& link, Instant deadline, bool want_continue) {
  for (int interim = 0; interim < kMaxInterim; ++interim) {
    HeadScan scan(kHeadLimits);
    std::optional<std::size_t> size;
    while (!size) {
      auto found = scan.scan(link.input.pending());
      if (found.has_error()) co_return Error(Code::corrupt, "The server's answer is not HTTP.");
      size = *found;
      if (size) break;
      MAS_CO_TRY(std::size_t got, co_await link.connection.read(link.input.room(), deadline));
      if (got == 0) co_return closed_early();
      link.answer_began = true;
      link.input.filled(got);
    }
    MAS_CO_TRY(ParsedResponse response,
               parse_response_head(link.input.pending().first(*size), kHeadLimits));
    link.input.consume(*size);
    bool wanted = response.head.status >= 200 || (want_continue && response.head.status == 100);
    if (wanted) co_return response;
  }
  co_return Error(Code::corrupt, "The server sends interim answers only.");
}

// What came instead of 100 Continue, if anything; nullopt: go on and send the body.
Task<Result<std::optional<ParsedResponse>>> await_continue(Link& link) {
  auto response = co_await read_head(link, link.connection.clock().now() + kContinueWait, true);
  if (response.has_error()) {
    // Servers that do not know the expectation stay silent; silence is leave after a second.
    if (response.error().code() == Code::timeout) co_return std::optional<ParsedResponse>();
    co_return response.error();
  }
  if (response->head.status == 100) co_return std::optional<ParsedResponse>();
  co_return std::optional<ParsedResponse>(std::move(*response));
}

void expect_body(Link& link, const ParsedResponse& response, const std::string& method) {
  int status = response.head.status;
  auto framing = BodyReader::Framing::until_end;
  std::uint64_t length = 0;
  if (method == "HEAD" || status == 204 || status == 304) {
    framing = BodyReader::Framing::length;
  } else if (response.body.chunked) {
    framing = BodyReader::Framing::chunked;
  } else if (response.body.length) {
    framing = BodyReader::Framing::length;
    length = *response.body.length;
  }
  if (!response.keep_alive || framing == BodyReader::Framing::until_end) link.reusable = false;
  link.body.emplace(link.source, link.input, framing, length);
}

Task<Result<std::size_t>> read_body(Link& link, MutableBytes into) {
  Result<std::size_t> size = co_await link.body->read(into);
  if (size.has_value() || size.error().code() != Code::body_unreadable) co_return size;
  if (link.source.ended()) co_return closed_early();
  co_return Error(Code::corrupt, "The server's answer has a malformed body.");
}

Task<Result<std::size_t>> fill_from_body(Link& link, MutableBytes into) {
  std::size_t filled = 0;
  while (filled < into.size() && !link.body->complete()) {
    MAS_CO_TRY(std::size_t size, co_await read_body(link, into.subspan(filled)));
    if (size == 0) break;
    filled += size;
  }
  co_return filled;
}

// Whether a request that failed over a kept connection may go out once more.
bool may_repeat(const ClientRequest& request, const Error& error) {
  if (error.code() != Code::closed || request.body != nullptr) return false;
  return !error.maybe_happened() || request.repeatable.value_or(request.method != "POST");
}

class TcpClient final : public Client {
 public:
  TcpClient(Executor executor, Url server, ClientOptions options, Clock& clock)
      : executor_(std::move(executor)),
        server_(std::move(server)),
        options_(std::move(options)),
        clock_(clock) {}

  Task<Result<ResponseHead>> send(ClientRequest request) override;
  Task<Result<std::size_t>> read(MutableBytes into) override;
  Task<Result<std::size_t>> read_full(MutableBytes into) override;
  Task<Result<std::string>> read_all(std::size_t limit) override;
  void close() override {
    ++closed_;
    if (link_) link_->connection.close();
    link_.reset();
  }

 private:
  Task<Result<void>> connect();
  [[nodiscard]] bool can_reuse();
  // Runs `work` with the link's watchdog beside it; both have ended when this returns.
  template <class T>
  Task<Result<T>> with_timer(std::shared_ptr<Link> link, Task<Result<T>> work);
  // Over a new connection.
  Task<Result<ResponseHead>> send_anew(ClientRequest& request);
  Task<Result<ResponseHead>> exchange(Link& link, ClientRequest& request);
  Task<Result<ResponseHead>> talk(Link& link, ClientRequest& request);

  Executor executor_;
  Url server_;
  ClientOptions options_;
  Clock& clock_;
  std::shared_ptr<net::TlsClient> tls_;
  std::shared_ptr<Link> link_;
  std::uint64_t closed_ = 0;  // how often, so that connecting notices
};

template <class T>
Task<Result<T>> TcpClient::with_timer(std::shared_ptr<Link> link, Task<Result<T>> work) {
  net::Watchdog& watchdog = link->connection.watchdog();
  watchdog.reset();
  Gate gate;
  (void)spawn(executor_, gate, watch(link), "http client timer");
  auto working = contain(std::move(work), "http client");
  Result<T> result = co_await std::move(working);
  watchdog.stop();
  co_await gate.close();
  co_return result;
}

Task<Result<void>> TcpClient::connect() {
  if (server_.tls && !tls_) tls_ = options_.tls;
  if (server_.tls && !tls_) {
    net::TlsClientFiles files{options_.ca_file, options_.certificate, options_.key};
    MAS_CO_TRY(tls_, net::make_tls_client(files));
  }
  auto connecting =
      net::connect(server_.host, server_.port, tls_, clock_, options_.connect_timeout);
  const std::uint64_t closed = closed_;
  MAS_CO_TRY(auto stream, co_await std::move(connecting));
  if (closed_ != closed) co_return Error(Code::closed, "The connection was given up.");
  auto link = std::make_shared<Link>(std::move(stream), clock_, executor_, options_.io_timeout);
  link_ = link;
  auto greet = link->connection.handshake(options_.connect_timeout);
  Result<void> greeted = co_await with_timer(link, std::move(greet));
  if (link_ != link) co_return Error(Code::closed, "The connection was given up.");
  if (greeted.has_error()) link_.reset();
  co_return greeted;
}

bool TcpClient::can_reuse() {
  if (!link_ || !link_->reusable || !link_->input.empty()) return false;
  if (link_->body && !link_->body->complete()) return false;
  // Over TLS there may be bytes that carry no data; then a new connection costs little.
  return link_->connection.quiet();
}

Task<Result<ResponseHead>> TcpClient::send(ClientRequest request) {
  MAS_CO_CHECK(check_request(request));
  bool reused = can_reuse();
  if (!reused) {
    link_.reset();
    MAS_CO_CHECK(co_await connect());
  }
  auto link = link_;
  auto first = exchange(*link, request);
  Result<ResponseHead> head = co_await with_timer(link, std::move(first));
  // The server may have closed a kept connection just as the request was sent.
  if (head.has_error() && reused && link_ == link && !link->answer_began &&
      may_repeat(request, head.error())) {
    bool sent_before = head.error().maybe_happened();
    head = co_await send_anew(request);
    link = link_;
    // The server may have worked on what was sent first, whatever becomes of the second.
    if (head.has_error() && sent_before) head = Error(head.error()).mark_maybe_happened();
  }
  if (head.has_error() && link_ == link) link_.reset();
  co_return head;
}

Task<Result<ResponseHead>> TcpClient::send_anew(ClientRequest& request) {
  MAS_CO_CHECK(co_await connect());
  auto link = link_;
  auto sending = exchange(*link, request);
  co_return co_await with_timer(link, std::move(sending));
}

Task<Result<ResponseHead>> TcpClient::exchange(Link& link, ClientRequest& request) {
  link.body.reset();
  link.answer_began = false;
  std::uint64_t written_before = link.connection.bytes_written();
  Result<ResponseHead> head = co_await talk(link, request);
  if (head.has_error()) {
    Error error = head.error();
    // Part of it went out: only an answer could say that nothing was done.
    if (link.connection.bytes_written() > written_before) error.mark_maybe_happened();
    co_return error;
  }
  co_return head;
}

Task<Result<ResponseHead>> TcpClient::talk(Link& link, ClientRequest& request) {
  RequestSender sender(link.connection, server_, request, options_.io_timeout);
  std::optional<ParsedResponse> early;
  Result<void> sent = co_await sender.send_head();
  if (sent.has_value() && sender.expects_continue()) {
    MAS_CO_TRY(early, co_await await_continue(link));
  }
  if (sent.has_value() && !early) sent = co_await sender.send_body();
  if (sender.source_failed()) co_return sent.error();
  if (early || sent.has_error() || !sender.finished()) link.reusable = false;
  if (!early) {
    // A write that failed may mean that the server answered early and closed: its answer counts.
    Duration patience = sent.has_error() ? kLastWords : options_.io_timeout;
    auto response = co_await read_head(link, clock_.now() + patience, false);
    if (response.has_error()) {
      if (sent.has_error()) co_return sent.error();
      co_return response.error();
    }
    early = std::move(*response);
  }
  expect_body(link, *early, request.method);
  co_return std::move(early->head);
}

Task<Result<std::size_t>> TcpClient::read(MutableBytes into) {
  auto link = link_;
  if (!link || !link->body) {
    co_return Error(Code::closed, "There is no answer to read: the connection was closed.");
  }
  if (link->body->complete()) co_return std::size_t{0};
  auto work = read_body(*link, into);
  co_return co_await with_timer(link, std::move(work));
}

Task<Result<std::size_t>> TcpClient::read_full(MutableBytes into) {
  auto link = link_;
  if (!link || !link->body) {
    co_return Error(Code::closed, "There is no answer to read: the connection was closed.");
  }
  auto work = fill_from_body(*link, into);
  co_return co_await with_timer(link, std::move(work));
}

Task<Result<std::string>> TcpClient::read_all(std::size_t limit) {
  std::string text;
  std::array<std::uint8_t, 16 * 1024> buffer;
  while (true) {
    MAS_CO_TRY(std::size_t size, co_await read(buffer));
    if (size == 0) co_return text;
    if (text.size() + size > limit) {
      co_return Error(Code::corrupt, "The server's answer is longer than expected.");
    }
    text += as_text(ByteView(buffer).first(size));
  }
}

}  // namespace

std::unique_ptr<Client> make_client(Executor executor, Url server, ClientOptions options,
                                    Clock& clock) {
  return std::make_unique<TcpClient>(std::move(executor), std::move(server), std::move(options),
                                     clock);
}

}  // namespace mas::http
