// A real server on a free port with a handler for tests.
#pragma once

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>
#include <string>

#include "mas/http/server.h"
#include "mas/runtime/sync.h"
#include "support/must.h"
#include "support/raw_client.h"

namespace mas::test {

// Answers by path; see handle().
class RigHandler final : public http::Handler {
 public:
  Task<void> handle(http::Exchange& exchange) override {
    calls.fetch_add(1);
    const std::string& path = exchange.head().path;
    exchange.route = path;
    if (path == "/hello") co_await say(exchange, 200, "hello");
    if (path == "/refuse") co_await say(exchange, 401, "refused");
    if (path == "/empty") co_await say(exchange, 204, "");
    if (path == "/unchanged") co_await say(exchange, 304, "");
    if (path == "/echo") co_await echo(exchange);
    if (path == "/count") co_await count(exchange);
    if (path == "/throw") throw std::runtime_error("on purpose");
    if (path == "/memory") throw std::bad_alloc();
    if (path == "/short") co_await start_and_write(exchange, 100, 1, 10);
    if (path == "/held") co_await hold_then_refuse(exchange);
    if (path == "/pieces") co_await start_and_write(exchange, 4000, 400, 10);
    if (path == "/stream") co_await start_and_write(exchange, 64 << 20, 64, 1 << 20);
    if (path == "/kept") {
      co_await start_and_write(exchange, kKeptSize, 1, kKeptSize);
      auto token = std::make_shared<int>();
      kept = token;
      exchange.keep_until_delivered(std::move(token));
      waiting.set();
    }
    if (path == "/promised") {
      waiting.set();
      co_await go_on.wait();
      promised = exchange.body().ready();
      co_await echo(exchange);
    }
    if (path == "/inject") co_await inject(exchange);
    if (path == "/wait") {
      exchange.admitted();
      waiting.set();
      co_await go_on.wait();
      co_await say(exchange, 200, "waited");
    }
  }
  std::pair<http::ResponseHead, std::string> early_error(const Error& error,
                                                         std::string_view id) override {
    early_maybe = error.maybe_happened();
    http::ResponseHead head;
    head.status = http_status(error.code());
    if (is_retryable(error.code())) head.headers.add("Retry-After", "1");
    std::string body = "{\"code\":" + std::to_string(wire_code(error.code())) + ",\"id\":\"" +
                       std::string(id) + "\"}";
    return {head, body};
  }

  // Of /kept: more than a client with a small buffer takes, less than the system does at once.
  static constexpr std::size_t kKeptSize = 512 * 1024;

  std::atomic<int> calls{0};
  std::weak_ptr<int> kept;               // after `waiting`
  std::atomic<bool> promised{false};     // by the body of /promised, before it was read
  std::atomic<bool> early_maybe{false};  // what the last early error said
  std::atomic<Code> body_error{Code::ok};
  std::atomic<Code> write_error{Code::ok};
  Event waiting;
  Event go_on;
  std::atomic<std::size_t> echo_read{0};  // bytes of the body that /echo has read so far

 private:
  static Task<void> say(http::Exchange& exchange, int status, std::string body) {
    http::ResponseHead head;
    head.status = status;
    head.headers.add("X-Path", exchange.head().path);
    (void)co_await exchange.respond(std::move(head), std::move(body));
  }
  Task<void> echo(http::Exchange& exchange) {
    std::string text;
    std::array<std::uint8_t, 1000> buffer;
    while (true) {
      Result<std::size_t> size = co_await exchange.body().read(buffer);
      if (size.has_error()) {
        body_error = size.error().code();
        co_await say(exchange, http_status(size.error().code()), "body failed");
        co_return;
      }
      if (*size == 0) break;
      text += as_text(ByteView(buffer).first(*size));
      echo_read = text.size();
    }
    co_await say(exchange, 200, std::move(text));
  }
  Task<void> count(http::Exchange& exchange) {
    Buffer buffer = Buffer::allocate(1 << 20);
    std::uint64_t total = 0;
    while (true) {
      Result<std::size_t> size = co_await exchange.body().read(buffer.bytes());
      if (size.has_error() || *size == 0) break;
      total += *size;
    }
    co_await say(exchange, 200, std::to_string(total));
  }
  Task<void> start_and_write(http::Exchange& exchange, std::uint64_t length, int pieces,
                             std::size_t size) {
    http::ResponseHead head;
    (void)co_await exchange.start(std::move(head), length);
    if (exchange.head().method == http::Method::head) co_return;
    std::string text(size, 'x');
    std::array<Slice, 1> slices{Slice::copy_of(as_bytes(text))};
    for (int i = 0; i < pieces; ++i) {
      Result<void> written = co_await exchange.write(slices);
      if (written.has_error()) {
        write_error = written.error().code();
        co_return;
      }
    }
  }
  static Task<void> hold_then_refuse(http::Exchange& exchange) {
    http::ResponseHead head;
    (void)co_await exchange.start(std::move(head), 100);
    if (!exchange.started()) co_await say(exchange, 503, "first piece failed");
  }
  static Task<void> inject(http::Exchange& exchange) {
    http::ResponseHead head;
    head.headers.add("X-Name", "a\r\nX-Evil: b\r\n\r\nc");
    head.headers.add("Content-Length", "1");
    head.headers.add("Connection", "upgrade");
    (void)co_await exchange.respond(std::move(head), "body");
  }
};

class ServerRig {
 public:
  explicit ServerRig(Clock& clock, std::size_t threads = 1) : io_(threads), clock_(clock) {
    options.listen = "127.0.0.1:0";
  }
  ~ServerRig() {
    if (server_) stop();
  }
  ServerRig(const ServerRig&) = delete;
  ServerRig& operator=(const ServerRig&) = delete;

  void start() {
    server_ =
        http::make_server(options, tls, handler, {io_, clock_, *rng_, metrics}, client_ca_file);
    must(server_->start());
    io_.start();
  }
  void stop(Duration timeout = std::chrono::seconds(0)) {
    run_blocking(server_->stop(timeout));
    server_.reset();
  }
  [[nodiscard]] std::string address() const { return server_->address(); }
  [[nodiscard]] http::Server& server() { return *server_; }

  // The value in the metrics' text of the line that begins with `name`.
  [[nodiscard]] double metric(const std::string& name) const {
    std::string text = "\n" + metrics.text();
    std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + name.size() + 2);
  }

  config::Http options;
  config::Tls tls;
  std::string client_ca_file;
  RigHandler handler;
  observe::Metrics metrics;

 private:
  IoThreads io_;
  Clock& clock_;
  std::unique_ptr<Rng> rng_ = make_seeded_rng(7);
  std::unique_ptr<http::Server> server_;
};

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
inline std::string post(std::string_view path, std::string_view body,
                        std::string_view fields = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace mas::test
