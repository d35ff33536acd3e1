#include "http/request_body.h"

#include <algorithm>
#include <array>

namespace mas::http {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// What a connection's error means for a body. It is the sender's, and nothing has failed here,
// however a sender leaves: with a FIN, that is body_unreadable, or with a reset.
Error sender_error(const Error& error) {
  switch (error.code()) {
    case Code::timeout:
      return {Code::sender_too_slow, "The body came too slowly; send it again."};
    case Code::closed:
      return {Code::body_unreadable, "The connection ended before the body did; send it again."};
    default:
      return error;
  }
}

std::optional<std::uint64_t> body_length(const BodyFraming& framing) {
  if (framing.chunked) return std::nullopt;
  return framing.length.value_or(0);
}

}  // namespace

Task<Result<std::size_t>> PacedSource::read(MutableBytes into) {
  Instant start = connection_.clock().now();
  Result<std::size_t> size =
      co_await connection_.read(into, start + std::max(Duration(0), credit_));
  credit_ -= connection_.clock().now() - start;
  if (size.has_error()) co_return sender_error(size.error());
  earn(*size);
  co_return size;
}

// Each byte earns the time that it may take at the least rate, up to twice the grace: however much
// came before, a sender that stops is not waited for longer.
void PacedSource::earn(std::size_t bytes) {
  if (options_.min_body_rate == 0) {
    credit_ = options_.body_grace;
    return;
  }
  const Duration most = 2 * options_.body_grace;
  const std::chrono::duration<double> earned(static_cast<double>(bytes) /
                                             static_cast<double>(options_.min_body_rate));
  // No overflow: a read is of a few MiB at most.
  credit_ = std::min(credit_ + std::chrono::duration_cast<Duration>(earned), most);
}

RequestBody::RequestBody(net::Connection& connection, InputBuffer& ahead,
                         const config::Http& options, const ParsedRequest& request)
    : connection_(connection),
      ahead_(ahead),
      options_(options),
      length_(body_length(request.body)),
      source_(connection, options),
      reader_(source_, ahead,
              request.body.chunked ? BodyReader::Framing::chunked : BodyReader::Framing::length,
              length_.value_or(0)),
      owes_continue_(request.expects_continue) {}

Task<Result<std::size_t>> RequestBody::read(MutableBytes into) {
  // A sender that began without waiting needs no leave any more.
  if (owes_continue_ && may_continue_ && ahead_.empty() && !reader_.complete()) {
    std::array<ByteView, 1> pieces{as_bytes(kContinue)};
    Result<void> asked = co_await connection_.write_all(pieces, options_.write_timeout);
    if (asked.has_error()) co_return sender_error(asked.error());
  }
  if (may_continue_) owes_continue_ = false;
  co_return co_await reader_.read(into);
}

bool RequestBody::drainable(std::uint64_t limit) {
  if (reader_.complete()) return true;
  if (owes_continue_ || reader_.failed()) return false;
  return reader_.left().has_value() && *reader_.left() <= limit;
}

}  // namespace mas::http
