// One request and its answer, as a handler sees them. Written against an interface so that handlers
// can be tested, and fuzzed, without a socket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "mas/http/message.h"
#include "mas/runtime/byte_stream.h"

namespace mas::http {

// The request's body, transfer coding removed. Reading sends `100 Continue` first where it is
// expected. read() errors: body_unreadable (truncated, bad chunk), sender_too_slow, closed.
class Body : public ByteSource {
 public:
  // The Content-Length; nullopt for chunked. 0 where there is no body.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  [[nodiscard]] virtual const RequestHead& head() const = 0;
  [[nodiscard]] virtual Body& body() = 0;

  // The caller has shown that it may be here: from now on this request keeps its connection, even
  // when all are taken and others wait.
  virtual void admitted() {}
  // Keeps `what` after the answer, until the client's system has acknowledged the last of it, the
  // connection has ended, or the next request has come.
  virtual void keep_until_delivered(std::shared_ptr<void>) {}
  // Sends a whole answer; Content-Length is added. Body bytes are left out for HEAD, 204 and 304.
  virtual Task<Result<void>> respond(ResponseHead head, std::string body) = 0;
  // Sends a head announcing `length` bytes; then write() them all. For HEAD only the head goes out,
  // and write() must not be called. The head leaves together with the first write(): until then
  // started() is false, and respond() may still answer something else.
  virtual Task<Result<void>> start(ResponseHead head, std::uint64_t length) = 0;
  // Errors: closed, timeout (nothing acknowledged for config::Http::write_timeout), internal (more
  // bytes than announced).
  virtual Task<Result<void>> write(std::span<const Slice> pieces) = 0;
  // Takes what goes of `bytes` without waiting for the client, maybe nothing, and says how many
  // bytes; the next call must bring what was not taken. Errors: those of write().
  virtual Task<Result<std::size_t>> write_some(Slice bytes) {
    MAS_CO_CHECK(co_await write(std::span<const Slice>(&bytes, 1)));
    co_return bytes.size();
  }
  // Once write_some() has taken less than all: until it takes more. Errors: those of write().
  virtual Task<Result<void>> wait_for_room() { co_return Result<void>(); }
  // Whether a head went out already.
  [[nodiscard]] virtual bool started() const = 0;
  // For the log and metrics; set by the router to the route's pattern.
  std::string route = "-";
  // The code of the envelope, for metrics.
  int wire_code = 200;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Answers the exchange. Whatever it leaves unread or unsent, the session deals with.
  virtual Task<void> handle(Exchange& exchange) = 0;
  // The JSON envelope and headers for an error found before there is a request to route (malformed
  // head, time-out): the head and body to send.
  [[nodiscard]] virtual std::pair<ResponseHead, std::string> early_error(
      const Error& error, std::string_view request_id) = 0;
};

}  // namespace mas::http
