#include "http/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "http/session_exchange.h"
#include "mas/observe/log.h"
#include "mas/runtime/contain.h"

namespace mas::http {
namespace {

// What is thrown away comes in small pieces: every connection may be waited for so at once, by
// clients that have shown no token, and nothing counts this memory.
constexpr std::size_t kScratchSize = 4 * 1024;

// How often an answer on its way is looked after.
constexpr Duration kDeliveryLook = std::chrono::seconds(1);

// How long a peer may take to end TLS in good order.
constexpr Duration kGoodbye = std::chrono::seconds(1);

// The nearest any deadline can be when it is set; the watchdog's timer then needs no resetting.
Duration shortest_timeout(const config::Http& options) {
  constexpr Duration kShortestNap = std::chrono::milliseconds(100);
  Duration shortest =
      std::min({options.header_timeout, options.idle_timeout, options.write_timeout / 4,
                options.body_grace, options.linger_timeout});
  return std::max(shortest, kShortestNap);
}

// How long a client may take nothing for what it took before: curl --limit-rate takes megabytes at
// once, and then nothing for minutes; who pauses a video has taken some.
net::SendCredit send_credit(const config::Http& options) {
  constexpr int kMost = 10;  // times write_timeout
  return {options.min_body_rate, kMost * options.write_timeout};
}

bool has_more_to_read(const InputBuffer& input, SessionExchange& exchange) {
  return !input.empty() || !exchange.request_body().complete();
}

}  // namespace

HeadLimits head_limits(const config::Http& options) {
  return {options.max_header_bytes, options.max_header_fields};
}

Session::Session(SessionContext& context, const Executor& executor,
                 std::unique_ptr<net::Stream> stream, std::string client_address)
    : context_(context),
      connection_(context.clock, executor, std::move(stream), shortest_timeout(context.options),
                  send_credit(context.options)),
      client_address_(std::move(client_address)),
      place_(context.crowd, *this, client_address_),
      begun_(context.clock.now()) {
  place_.wait(begun_);
}

Task<void> Session::run() {
  Result<void> ready = co_await connection_.handshake(context_.options.header_timeout);
  headless_ = false;
  bool goes_on = ready.has_value();
  if (ready.has_error() && ready.error().code() == Code::corrupt) {
    context_.metrics.handshake_failures.add();
  }
  if (ready.has_error() && ready.error().code() == Code::timeout) {
    context_.metrics.handshake_timeouts.add();
  }
  while (goes_on) {
    auto request = co_await read_request();
    if (request.has_error()) {
      co_await refuse(request.error());
      break;
    }
    if (!request->has_value()) break;
    goes_on = co_await serve(std::move(**request));
  }
  co_await deliver();
  // An answer cut short must not look like one that ended.
  if (!cut_short_) (void)co_await connection_.shutdown_send(kGoodbye);
  connection_.close();
}

void Session::stop_when_idle() {
  if (headless_) connection_.cancel();
}

void Session::skip_blank_lines() {
  // Some clients send an empty line after a body (RFC 9112, section 2.2).
  while (input_.pending().size() >= 2 && input_.pending()[0] == '\r' &&
         input_.pending()[1] == '\n') {
    input_.consume(2);
  }
}

Result<std::optional<ParsedRequest>> Session::parse_ahead(HeadScan& scan) {
  skip_blank_lines();
  ByteView pending = input_.pending();
  bool half_blank_line = pending.size() == 1 && pending[0] == '\r';
  if (pending.empty() || half_blank_line) return std::optional<ParsedRequest>();
  MAS_TRY(std::optional<std::size_t> size, scan.scan(pending));
  if (!size) return std::optional<ParsedRequest>();
  MAS_TRY(ParsedRequest request,
          parse_request_head(pending.first(*size), head_limits(context_.options)));
  input_.consume(*size);
  return std::optional<ParsedRequest>(std::move(request));
}

// Who connects is about to ask; who was answered may rest.
std::optional<Instant> Session::head_deadline() const {
  if (!asked_) return begun_ + context_.options.header_timeout;
  if (first_byte_) return *first_byte_ + context_.options.header_timeout;
  return std::nullopt;
}

Task<Result<std::optional<ParsedRequest>>> Session::read_request() {
  input_.trim();
  HeadScan scan(head_limits(context_.options));
  Instant idle_since = context_.clock.now();
  first_byte_.reset();
  while (true) {
    auto request = parse_ahead(scan);
    if (request.has_error() || request->has_value()) co_return request;

    // Half a head is no request yet: nobody is waited for.
    if (context_.stopping) co_return std::optional<ParsedRequest>();
    if (input_.empty()) {
      first_byte_.reset();
    } else if (!first_byte_) {
      first_byte_ = context_.clock.now();
      place_.wait(*first_byte_);
    }
    std::optional<Instant> by = head_deadline();
    Instant deadline = by ? *by : idle_since + context_.options.idle_timeout;
    const bool is_delivering_still = !by && is_delivering();
    if (is_delivering_still) deadline = context_.clock.now() + kDeliveryLook;
    headless_ = true;
    Result<std::size_t> size = co_await connection_.read(input_.room(), deadline);
    headless_ = false;
    if (is_delivering_still && size.has_error() && size.error().code() == Code::timeout) {
      // It rests from when it has its answer.
      idle_since = context_.clock.now();
      if (!stands_still()) continue;
      kept_.reset();
      co_return std::optional<ParsedRequest>();
    }
    if (size.has_error() && size.error().code() == Code::timeout && first_byte_) {
      co_return Error(Code::sender_too_slow, "The request's head came too slowly.");
    }
    if (size.has_error() || *size == 0) co_return std::optional<ParsedRequest>();
    input_.filled(*size);
  }
}

Task<bool> Session::serve(ParsedRequest request) {
  Instant begun = context_.clock.now();
  asked_ = true;
  place_.wait(begun);
  kept_.reset();
  delivery_begun_ = false;
  request.head.client_address = client_address_;
  request.head.proven = connection_.proven();
  request.head.request_id = context_.ids.next();
  SessionExchange exchange(context_, connection_, input_, out_, place_, kept_, std::move(request));
  Result<void> handled = co_await call_handler(exchange);
  co_await answer_if_unanswered(exchange, std::move(handled));
  place_.wait(context_.clock.now());
  record(exchange, begun);
  co_return co_await conclude(exchange);
}

Task<Result<void>> Session::call_handler(SessionExchange& exchange) {
  auto handling = contain(context_.handler.handle(exchange), "http handler");
  Result<void> handled = co_await std::move(handling);
  if (handled.has_error()) {
    context_.metrics.handler_failures.add();
    log::error("http.handler_failed",
               {{"id", exchange.head().request_id}, {"route", exchange.route}});
  }
  co_return handled;
}

Task<void> Session::answer_if_unanswered(SessionExchange& exchange, Result<void> handled) {
  if (exchange.started() || exchange.broken()) co_return;
  Error error = handled.has_error()
                    ? handled.error()
                    : Error(Code::internal, "The server failed to answer; try again.");
  error.mark_maybe_happened();  // the handler failed at any place of its work
  auto [head, body] = context_.handler.early_error(error, exchange.head().request_id);
  exchange.wire_code = wire_code(error.code());
  co_await exchange.respond(std::move(head), std::move(body));
}

void Session::record(const SessionExchange& exchange, Instant begun) {
  RequestRecord record;
  record.route = exchange.route;
  record.method = exchange.head().method;
  record.path = exchange.head().path;
  record.request_id = exchange.head().request_id;
  record.client = client_address_;
  record.status = exchange.status();
  record.wire_code = exchange.wire_code;
  record.took = context_.clock.now() - begun;
  record.bytes_in = connection_.bytes_read() - std::exchange(counted_in_, connection_.bytes_read());
  record.bytes_out =
      connection_.bytes_written() - std::exchange(counted_out_, connection_.bytes_written());
  context_.metrics.record(record);
}

Task<bool> Session::conclude(SessionExchange& exchange) {
  cut_short_ = exchange.broken() || !exchange.answered();
  if (cut_short_) co_return false;
  if (exchange.closing()) {
    if (has_more_to_read(input_, exchange)) co_await linger();
    co_return false;
  }
  co_return co_await drain(exchange);
}

Task<bool> Session::drain(SessionExchange& exchange) {
  RequestBody& body = exchange.request_body();
  if (body.complete()) co_return true;
  auto scratch = std::make_unique_for_overwrite<std::uint8_t[]>(kScratchSize);
  MutableBytes into(scratch.get(), kScratchSize);
  while (!body.complete()) {
    Result<std::size_t> size = co_await body.read(into);
    if (size.has_error()) co_return false;
  }
  co_return true;
}

Task<void> Session::refuse(Error error) {
  std::string id = context_.ids.next();
  auto [head, body] = context_.handler.early_error(error, id);
  ResponseFraming framing;
  framing.length = body.size();
  framing.close = true;
  out_.clear();
  append_response_head(out_, head, id, context_.date.at(context_.clock.wall()), framing);
  std::array<ByteView, 2> pieces{as_bytes(out_), as_bytes(body)};
  Result<void> sent = co_await connection_.write_all(pieces, context_.options.write_timeout);
  RequestRecord record;
  record.request_id = id;
  record.client = client_address_;
  record.status = head.status;
  record.wire_code = wire_code(error.code());
  record.bytes_in = connection_.bytes_read() - counted_in_;
  record.bytes_out = connection_.bytes_written() - counted_out_;
  context_.metrics.record(record);
  if (sent.has_value()) co_await linger();
}

bool Session::is_delivering() {
  if (!kept_) return false;
  const net::SendQueue queue = connection_.send_queue();
  if (queue.waiting > 0 && queue.open) return true;
  kept_.reset();
  return false;
}

// Whether the client has stopped taking the answer that something is kept for.
bool Session::stands_still() {
  const Instant now = context_.clock.now();
  net::SendProgress& progress = connection_.watchdog().progress();
  if (!delivery_begun_) progress.begin(now, context_.options.write_timeout);
  delivery_begun_ = true;
  return progress.stands_still(connection_.send_queue(), now);
}

// Where the connection ends with an answer, that is waited for first.
Task<void> Session::deliver() {
  std::array<std::uint8_t, 512> scratch{};
  while (is_delivering()) {
    Result<std::size_t> size =
        co_await connection_.read(scratch, context_.clock.now() + kDeliveryLook);
    const bool goes_on = size.has_error() ? size.error().code() == Code::timeout : *size > 0;
    if (!goes_on || stands_still()) break;
  }
  kept_.reset();
}

// Closing while bytes are on their way resets the connection, and the answer with it. So: end our
// side, and read until the other side ends its own.
Task<void> Session::linger() {
  const config::Http& options = context_.options;
  Instant deadline = context_.clock.now() + options.linger_timeout;
  Result<void> ended = co_await connection_.shutdown_send(options.linger_timeout);
  if (ended.has_error()) co_return;
  auto scratch = std::make_unique_for_overwrite<std::uint8_t[]>(kScratchSize);
  MutableBytes into(scratch.get(), kScratchSize);
  std::uint64_t budget = options.linger_bytes;
  while (true) {
    Result<std::size_t> size = co_await connection_.read(into, deadline);
    if (size.has_error() || *size == 0 || *size >= budget) co_return;
    budget -= *size;
  }
}

}  // namespace mas::http
