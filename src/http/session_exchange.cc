#include "http/session_exchange.h"

#include <algorithm>
#include <array>

#include "http/head_writer.h"
#include "http/header_tokens.h"

namespace mas::http {
namespace {

bool is_framing_field(std::string_view name) noexcept {
  return equal_ignoring_case(name, "Content-Length") || equal_ignoring_case(name, "Connection") ||
         equal_ignoring_case(name, "Transfer-Encoding") || equal_ignoring_case(name, "Date") ||
         equal_ignoring_case(name, "Mas-Request-Id");
}

Error misuse(const char* what) {
  return {Code::internal, std::string("The request's handler is at fault: ") + what + "."};
}

}  // namespace

void append_response_head(std::string& out, const ResponseHead& head, std::string_view request_id,
                          std::string_view date, const ResponseFraming& framing) {
  append_status_line(out, head.status);
  for (const auto& [name, value] : head.headers.all()) {
    if (!is_framing_field(name)) append_field(out, name, value);
  }
  append_field(out, "Date", date);
  append_field(out, "Mas-Request-Id", request_id);
  out += "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
  if (framing.announce_length) append_field(out, "Content-Length", framing.length);
  if (framing.close) {
    out += "Connection: close\r\n";
  } else if (framing.keep_alive_http_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

SessionExchange::SessionExchange(SessionContext& context, net::Connection& connection,
                                 InputBuffer& ahead, std::string& out, Crowd::Place& place,
                                 std::shared_ptr<void>& kept, ParsedRequest request)
    : context_(context),
      connection_(connection),
      out_(out),
      place_(place),
      kept_(kept),
      request_(std::move(request)),
      body_(connection, ahead, context.options, request_) {}

bool SessionExchange::without_body() const noexcept {
  return request_.head.method == Method::head || status_ == 204 || status_ == 304;
}

bool SessionExchange::answered() const noexcept {
  return state_ == State::sent && written_ == announced_;
}

void SessionExchange::format_head(const ResponseHead& head, std::uint64_t length) {
  status_ = head.status;
  announced_ = without_body() ? 0 : length;
  written_ = 0;
  closing_ =
      !request_.keep_alive || context_.stopping || !body_.drainable(context_.options.drain_bytes);
  ResponseFraming framing;
  framing.announce_length = status_ != 204 && status_ != 304;
  framing.length = length;
  framing.close = closing_;
  framing.keep_alive_http_1_0 = request_.head.minor_version == 0;
  out_.clear();
  append_response_head(out_, head, request_.head.request_id,
                       context_.date.at(context_.clock.wall()), framing);
}

Task<Result<void>> SessionExchange::send(std::span<ByteView> pieces) {
  body_.answer_begins();
  Result<void> sent = co_await connection_.write_all(pieces, context_.options.write_timeout);
  if (sent.has_error()) broken_ = true;
  co_return sent;
}

void SessionExchange::keep_until_delivered(std::shared_ptr<void> what) {
  // The last few are with the client in a moment: not worth a look for each small file.
  constexpr std::size_t kFew = 16 * 1024;
  if (broken_ || connection_.send_queue().waiting <= kFew) return;
  kept_ = std::move(what);
}

Task<Result<void>> SessionExchange::respond(ResponseHead head, std::string body) {
  if (state_ == State::sent) co_return misuse("it answered twice");
  if (broken_) co_return Error(Code::closed, "The connection is gone.");
  format_head(head, body.size());
  state_ = State::sent;
  written_ = announced_;
  std::array<ByteView, 2> pieces{as_bytes(out_), without_body() ? ByteView() : as_bytes(body)};
  co_return co_await send(pieces);
}

Task<Result<void>> SessionExchange::start(ResponseHead head, std::uint64_t length) {
  if (state_ == State::sent) co_return misuse("it answered twice");
  format_head(head, length);
  state_ = State::held;
  head_sent_ = 0;
  if (announced_ > 0) co_return Result<void>();
  state_ = State::sent;
  std::array<ByteView, 1> pieces{as_bytes(out_)};
  co_return co_await send(pieces);
}

Result<void> SessionExchange::may_write(std::uint64_t size) const {
  if (state_ == State::nothing) return misuse("it wrote before start()");
  if (size > announced_ - written_) return misuse("it wrote more than it announced");
  if (broken_) return Error(Code::closed, "The connection is gone.");
  return {};
}

Task<Result<std::size_t>> SessionExchange::write_some(Slice bytes) {
  MAS_CO_CHECK(may_write(bytes.size()));
  std::array<ByteView, 2> views{as_bytes(out_).subspan(head_sent_), bytes.view()};
  std::span<ByteView> pieces(views);
  state_ = State::sent;
  body_.answer_begins();
  Result<std::size_t> taken = connection_.write_now(pieces);
  if (taken.has_error()) {
    broken_ = true;
    co_return taken;
  }
  const std::size_t of_head = std::min(*taken, out_.size() - head_sent_);
  head_sent_ += of_head;
  written_ += *taken - of_head;
  co_return *taken - of_head;
}

Task<Result<void>> SessionExchange::wait_for_room() {
  Result<void> waited = co_await connection_.wait_writable(context_.options.write_timeout);
  if (waited.has_error()) broken_ = true;
  co_return waited;
}

Task<Result<void>> SessionExchange::write(std::span<const Slice> pieces) {
  std::uint64_t total = 0;
  for (const Slice& piece : pieces) total += piece.size();
  MAS_CO_CHECK(may_write(total));

  std::array<ByteView, net::Stream::kMaxPieces> views;
  std::size_t count = 0;
  if (head_sent_ < out_.size()) views[count++] = as_bytes(out_).subspan(head_sent_);
  head_sent_ = out_.size();
  state_ = State::sent;
  while (true) {
    std::size_t batch = std::min(pieces.size(), views.size() - count);
    for (const Slice& piece : pieces.first(batch)) {
      views[count++] = piece.view();
      written_ += piece.size();
    }
    pieces = pieces.subspan(batch);
    MAS_CO_CHECK(co_await send(std::span(views).first(count)));
    if (pieces.empty()) co_return Result<void>();
    count = 0;
  }
}

}  // namespace mas::http
