// The calls on records.
#include <algorithm>

#include "mas/core/units.h"
#include "mas/core/xxh3.h"
#include "peer/handler.h"
#include "peer/store_calls.h"
#include "peer/wire.h"

namespace mas::peer {
namespace {

Error malformed(std::string what) { return {Code::parameter_malformed, std::move(what)}; }

// 200 with bytes and their checksum.
Task<Result<void>> answer_bytes(http::Exchange& exchange, http::ResponseHead head, Slice bytes) {
  wire::add(head.headers, "Content-Type", "application/octet-stream");
  wire::add(head.headers, wire::kSum, wire::sum_text(xxh3_128(bytes.view())));
  std::uint64_t size = bytes.size();
  MAS_CO_CHECK(co_await exchange.start(std::move(head), size));
  if (size == 0) co_return Result<void>();
  co_return co_await exchange.write(std::span(&bytes, 1));
}

// A number that stands in the query exactly once.
Result<std::uint64_t> number(const http::Query& query, std::string_view name) {
  if (query.count(name) == 1) {
    auto value = parse_u64(*query.get(name));
    if (value.has_value()) return *value;
  }
  return malformed("The parameter " + std::string(name) + " must stand there once, as a number.");
}

Result<RecordKey> parse_key(std::string_view text) {
  auto key = wire::parse_key(text);
  if (!key) return malformed("The record's key is malformed.");
  return *key;
}

}  // namespace

Task<Result<void>> PeerHandler::serve_record(http::Exchange& exchange, Caller caller,
                                             std::string_view text) {
  exchange.route = "/peer/v1/record/KEY";
  http::Method method = exchange.head().method;
  MAS_CO_TRY(RecordKey key, parse_key(text));
  if (method == http::Method::put) co_return co_await put(exchange, std::move(caller), key);
  if (method == http::Method::get) co_return co_await read(exchange, key);
  co_return Error(Code::method_not_allowed, "Use PUT or GET for records.");
}

Task<Result<void>> PeerHandler::put(http::Exchange& exchange, Caller caller, RecordKey key) {
  std::uint64_t ours = self_.layout().version;
  if (caller.layout_version < ours) {
    co_return Error(Code::stale_layout, "The layout is at version " + std::to_string(ours) +
                                            ", this was sent under version " +
                                            std::to_string(caller.layout_version) + ".");
  }
  MAS_CO_TRY(Permit memory, co_await admit_body(exchange, options_.max_record));
  MAS_CO_TRY(Slice body, co_await take_body(exchange));
  std::vector<Slice> pieces{std::move(body)};
  MAS_CO_CHECK(co_await store_.put(key, std::move(pieces)));
  co_return co_await exchange.respond(fine(), "");
}

Task<Result<void>> PeerHandler::read(http::Exchange& exchange, RecordKey key) {
  MAS_CO_TRY(http::Query query, http::Query::parse(exchange.head().raw_query));
  MAS_CO_TRY(std::uint64_t offset, number(query, "offset"));
  MAS_CO_TRY(std::uint64_t length, number(query, "length"));
  if (length > options_.max_record) co_return malformed("The length is more than a record has.");
  MAS_CO_TRY(Permit memory, co_await read_memory_.acquire(length));
  MAS_CO_TRY(Slice bytes, co_await store_.read(key, offset, static_cast<std::uint32_t>(length)));
  co_return co_await answer_bytes(exchange, fine(), std::move(bytes));
}

Task<Result<void>> PeerHandler::have(http::Exchange& exchange) {
  exchange.route = "/peer/v1/have";
  MAS_CO_CHECK(want_method(exchange, http::Method::post));
  MAS_CO_TRY(Permit memory,
             co_await admit_body(exchange, wire::kMaxKeys * RecordKey::kEncodedSize));
  MAS_CO_TRY(Slice body, co_await take_body(exchange));
  if (body.size() % RecordKey::kEncodedSize != 0) co_return malformed("A key is cut short.");
  std::vector<RecordKey> keys;
  for (std::size_t at = 0; at < body.size(); at += RecordKey::kEncodedSize) {
    auto key = RecordKey::decode(body.view().subspan(at, RecordKey::kEncodedSize));
    if (!key) co_return malformed("A record's key is malformed.");
    keys.push_back(*key);
  }
  MAS_CO_TRY(std::vector<bool> held, co_await have_in(store_, std::move(keys)));
  std::string text;
  for (bool one : held) text += one ? '1' : '0';
  co_return co_await answer_bytes(exchange, fine(), Slice::copy_of(as_bytes(text)));
}

Task<Result<void>> PeerHandler::objects(http::Exchange& exchange) {
  exchange.route = "/peer/v1/objects";
  MAS_CO_CHECK(want_method(exchange, http::Method::get));
  MAS_CO_TRY(http::Query query, http::Query::parse(exchange.head().raw_query));
  std::optional<RecordKey> after;
  if (query.count("after") > 0) {
    if (query.count("after") > 1) co_return malformed("Name one key to go on after.");
    MAS_CO_TRY(after, parse_key(*query.get("after")));
  }
  MAS_CO_TRY(Permit memory, co_await read_memory_.acquire(wire::kMaxCarriedBytes));
  MAS_CO_TRY(CarriedPage page, co_await carried_in(store_, after));
  http::ResponseHead head = fine();
  if (page.next) wire::add(head.headers, wire::kNext, wire::key_text(*page.next));
  std::string body = wire::carried_body(page.records);
  co_return co_await answer_bytes(exchange, std::move(head), Slice::copy_of(as_bytes(body)));
}

Task<Result<void>> PeerHandler::layout(http::Exchange& exchange) {
  exchange.route = "/peer/v1/layout";
  MAS_CO_CHECK(want_method(exchange, http::Method::get));
  std::string document = options_.layout ? options_.layout() : std::string();
  if (document.empty()) co_return Error(Code::not_found, "This pod knows no layout yet.");
  co_return co_await answer_bytes(exchange, fine(), Slice::copy_of(as_bytes(document)));
}

Task<Result<void>> PeerHandler::quarantine(http::Exchange& exchange, std::string_view text) {
  exchange.route = "/peer/v1/quarantine/KEY";
  MAS_CO_CHECK(want_method(exchange, http::Method::post));
  MAS_CO_TRY(RecordKey key, parse_key(text));
  MAS_CO_TRY(Permit turn, co_await quarantines_.acquire(1));
  MAS_CO_CHECK(co_await quarantine_in(store_, key));
  co_return co_await exchange.respond(fine(), "");
}

Task<Result<void>> PeerHandler::ledger(http::Exchange& exchange) {
  exchange.route = "/peer/v1/ledger";
  MAS_CO_CHECK(want_method(exchange, http::Method::get));
  if (!options_.ledger) co_return Error(Code::refused, "This pod keeps no ledger.");
  std::string share = options_.ledger();
  co_return co_await answer_bytes(exchange, fine(), Slice::copy_of(as_bytes(share)));
}

Task<Result<void>> PeerHandler::probe(http::Exchange& exchange) {
  exchange.route = "/peer/v1/probe";
  MAS_CO_CHECK(want_method(exchange, http::Method::post));
  MAS_CO_TRY(http::Query query, http::Query::parse(exchange.head().raw_query));
  MAS_CO_TRY(std::uint64_t timeout_ms, number(query, "timeout_ms"));
  if (query.count("target") != 1) co_return malformed("Name one target.");
  if (options_.prober == nullptr) co_return Error(Code::refused, "This pod makes no probes.");
  auto permit = probes_.try_acquire(1);
  if (!permit) co_return Error(Code::busy, "This pod makes too many probes already.");
  auto longest = static_cast<std::uint64_t>(wire::kLongestProbe.count());
  Duration timeout = std::chrono::milliseconds(std::min(timeout_ms, longest));
  std::string target(*query.get("target"));
  Result<PingAnswer> answer = co_await options_.prober->ping(std::move(target), timeout);
  if (answer.has_error() && answer.error().code() == Code::busy) co_return answer.error();
  if (answer.has_error()) co_return Error(Code::not_found, answer.error().message());
  http::ResponseHead head;
  head.headers = wire::ping_fields(*answer);
  wire::add(head.headers, wire::kProtocol, std::string(wire::kVersion));
  co_return co_await exchange.respond(std::move(head), "");
}

Task<Result<Permit>> PeerHandler::admit_body(http::Exchange& exchange, std::uint64_t limit) {
  std::optional<std::uint64_t> length = exchange.body().length();
  if (!length || *length == 0) {
    co_return Error(Code::wrong_length, "Send the body's length, and at least one byte.");
  }
  if (*length > limit) {
    co_return Error(Code::body_too_large,
                    "The body may have " + std::to_string(limit) + " bytes at most.");
  }
  co_return co_await put_memory_.acquire(*length);
}

Task<Result<Slice>> PeerHandler::take_body(http::Exchange& exchange) {
  auto field = wire::only(exchange.head().headers, wire::kSum);
  auto sum = field ? wire::parse_sum(*field) : std::nullopt;
  if (!sum) co_return malformed("The body's checksum must stand in one field Mas-Sum.");
  auto size = static_cast<std::size_t>(*exchange.body().length());
  Buffer buffer = Buffer::allocate(size);
  Xxh3 hash;
  std::size_t filled = 0;
  while (filled < size) {
    MutableBytes rest = buffer.bytes().subspan(filled, size - filled);
    MAS_CO_TRY(std::size_t got, co_await exchange.body().read(rest));
    if (got == 0) co_return Error(Code::body_unreadable, "The body ended early.");
    hash.update(rest.first(got));
    filled += got;
  }
  if (hash.digest() != *sum) {
    co_return Error(Code::corrupt, "The body arrived with a wrong checksum.");
  }
  co_return std::move(buffer).freeze(size);
}

}  // namespace mas::peer
