// A small HTTP/1.1 client over one kept-alive connection; for the command line, and for peers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mas/http/message.h"
#include "mas/net/tls.h"
#include "mas/runtime/byte_stream.h"
#include "mas/runtime/clock.h"

namespace mas::http {

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path;  // with leading '/', "" for none
};
// http:// and https:// only. Errors: invalid_argument.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

struct ClientOptions {
  Duration connect_timeout = std::chrono::seconds(10);
  Duration io_timeout = std::chrono::seconds(60);  // without progress
  std::string ca_file;                             // "": the system's
  std::string certificate;  // PEM files: what the client proves itself with, both or neither
  std::string key;
  std::shared_ptr<net::TlsClient> tls = nullptr;  // instead of the three, for https://
};

struct ClientRequest {
  std::string method = "GET";
  std::string target;  // path and query, encoded
  Headers headers;
  ByteSource* body = nullptr;  // with `length`, else chunked
  std::optional<std::uint64_t> length;
  std::string text;  // a body in memory, used if `body` is null
  // Or one in several pieces, written from where they lie; used if `body` is null and `text` empty.
  std::vector<Slice> pieces;
  // Bodies over 1 MiB wait for 100 Continue, so that a refusal costs nothing but a round trip.
  bool ask_first = true;
  // Whether it may reach the server twice: then it is sent again when a kept connection turns out
  // to be closed. nullopt: unless it is a POST. If nothing of it was sent, it is sent again anyway.
  std::optional<bool> repeatable;
};

// Not for concurrent use. Errors: closed, timeout, io, corrupt (not HTTP).
class Client {
 public:
  virtual ~Client() = default;
  // Sends the request (connecting or reconnecting first if need be) and reads the answer's head.
  virtual Task<Result<ResponseHead>> send(ClientRequest request) = 0;
  // The answer's body, 0 at its end. Must be read to the end before the next send(), else that
  // reconnects.
  virtual Task<Result<std::size_t>> read(MutableBytes into) = 0;
  // Reads until `into` is full or the body ends; returns how many bytes there are.
  virtual Task<Result<std::size_t>> read_full(MutableBytes into) = 0;
  // The rest of the body; corrupt if over `limit` bytes.
  virtual Task<Result<std::string>> read_all(std::size_t limit = 1 << 20) = 0;
  // Also while a call is running, on the same thread: that call ends with `closed`.
  virtual void close() = 0;
};

// Belongs to `executor`'s thread.
[[nodiscard]] std::unique_ptr<Client> make_client(Executor executor, Url server,
                                                  ClientOptions options, Clock& clock);

}  // namespace mas::http
