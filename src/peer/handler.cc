#include "peer/handler.h"

#include <algorithm>
#include <array>

#include "mas/core/network.h"
#include "mas/observe/log.h"
#include "peer/wire.h"

namespace mas::peer {
namespace {

// Calls that wait for memory at any time; beyond these: busy.
constexpr std::size_t kMaxWaiting = 1024;
// Probes made for others at any time; beyond these: busy.
constexpr std::uint64_t kMaxProbes = 8;

// As opposed to what the store could not do, which it logs itself.
bool is_refusal(Code code) {
  constexpr std::array kOthers{Code::not_found, Code::disk_full, Code::busy,    Code::io,
                               Code::closed,    Code::timeout,   Code::internal};
  return std::ranges::find(kOthers, code) == kOthers.end();
}

// What goes into the log, whatever a stranger sent: short, and no control characters.
std::string shown_slot(const http::Headers& headers) {
  std::string slot(headers.get(wire::kSlot).value_or("-").substr(0, 64));
  std::ranges::replace_if(
      slot, [](char c) { return c < ' ' || c > '~'; }, '?');
  return slot;
}

}  // namespace

Result<void> want_method(const http::Exchange& exchange, http::Method method) {
  if (exchange.head().method == method) return {};
  return Error(Code::method_not_allowed,
               "Use " + std::string(http::method_name(method)) + " for this call.");
}

PeerHandler::PeerHandler(Self self, store::Store& store, HandlerOptions options,
                         const HandlerDependencies& deps)
    : self_(std::move(self)),
      store_(store),
      options_(std::move(options)),
      deps_(deps),
      put_memory_(options_.put_memory, kMaxWaiting),
      read_memory_(options_.read_memory, kMaxWaiting),
      quarantines_(1, kMaxWaiting),
      probes_(kMaxProbes, 0),
      refusals_(deps.metrics.counter("mas_peer_refusals_total",
                                     "Calls of other pods that were refused")) {
  MAS_ASSERT(options_.known != nullptr && self_.layout != nullptr && !self_.keys.empty());
}

Task<void> PeerHandler::handle(http::Exchange& exchange) {
  Result<void> served = co_await serve(exchange);
  if (served.has_value()) co_return;
  const Error& error = served.error();
  // Too late for another answer: the connection ends short of the announced length.
  if (exchange.started()) co_return;
  if (is_refusal(error.code())) note_refusal(exchange, error);
  exchange.wire_code = wire_code(error.code());
  (void)co_await exchange.respond(wire::error_head(error), error.message());
}

std::pair<http::ResponseHead, std::string> PeerHandler::early_error(const Error& error,
                                                                    std::string_view) {
  return {wire::error_head(error), error.message()};
}

Task<Result<void>> PeerHandler::serve(http::Exchange& exchange) {
  std::string_view path = exchange.head().path;
  bool ours = path.starts_with(wire::kPrefix);
  if (ours) path.remove_prefix(wire::kPrefix.size());
  auto kind = CallKind::shard;
  if (ours && path == "ping") kind = CallKind::ping;
  if (ours && path == "probe") kind = CallKind::probe;
  MAS_CO_TRY(Caller caller, admit(exchange.head(), self_, options_, kind));
  exchange.admitted();
  if (kind == CallKind::ping) co_return co_await ping(exchange);
  if (kind == CallKind::probe) co_return co_await probe(exchange);
  if (ours && path == "have") co_return co_await have(exchange);
  if (ours && path == "ledger") co_return co_await ledger(exchange);
  if (ours && path == "objects") co_return co_await objects(exchange);
  if (ours && path == "layout") co_return co_await layout(exchange);
  if (ours && (path == "records" || path == "synced")) {
    co_return Error(Code::not_implemented, "This call is reserved; this pod does not know it yet.");
  }
  std::size_t slash = path.find('/');
  if (ours && slash != std::string_view::npos) {
    std::string_view call = path.substr(0, slash);
    std::string_view key = path.substr(slash + 1);
    if (call == "record") co_return co_await serve_record(exchange, std::move(caller), key);
    if (call == "quarantine") co_return co_await quarantine(exchange, key);
  }
  co_return Error(Code::no_such_route, "There is no such call on the peer port.");
}

http::ResponseHead PeerHandler::fine() const {
  http::ResponseHead head;
  wire::add(head.headers, wire::kProtocol, std::string(wire::kVersion));
  wire::add(head.headers, wire::kSlot, http::percent_encode(self_.slot));
  wire::add(head.headers, wire::kIncarnation, self_.incarnation.hex());
  return head;
}

Task<Result<void>> PeerHandler::ping(http::Exchange& exchange) {
  exchange.route = "/peer/v1/ping";
  MAS_CO_CHECK(want_method(exchange, http::Method::get));
  LayoutMark layout = self_.layout();
  PingAnswer answer;
  answer.slot = self_.slot;
  answer.incarnation = self_.incarnation;
  answer.cluster = self_.cluster;
  answer.cluster_id = layout.cluster;
  answer.layout_version = layout.version;
  answer.software = self_.software;
  answer.wall = deps_.clock.wall();
  http::ResponseHead head;
  head.headers = wire::ping_fields(answer);
  wire::add(head.headers, wire::kProtocol, std::string(wire::kVersion));
  co_return co_await exchange.respond(std::move(head), "");
}

void PeerHandler::note_refusal(const http::Exchange& exchange, const Error& error) {
  refusals_.add();
  const std::string& address = exchange.head().client_address;
  if (!log::once_a_minute("peer.call_refused " + network_of(address))) return;
  log::warn("peer.call_refused", {{"address", address},
                                  {"slot", shown_slot(exchange.head().headers)},
                                  {"call", exchange.route},
                                  {"error", error}});
}

// It is for the time of an upgrade, and easily forgotten.
static void tell_accept_v1(bool accepts, observe::Metrics& metrics) {
  metrics
      .gauge("mas_peer_accepts_v1",
             "1 while heartbeats and peers of mas 0.1.0 are accepted, which prove nothing.")
      .set(accepts ? 1 : 0);
  if (!accepts) return;
  log::warn("peer.accepts_v1", {{"why",
                                 "peer.accept_v1 is set: heartbeats that prove nothing are heard. "
                                 "Take it out once all pods run this version."}});
}

std::unique_ptr<http::Handler> make_peer_handler(Self self, store::Store& store,
                                                 HandlerOptions options,
                                                 const HandlerDependencies& deps) {
  tell_accept_v1(options.accept_v1, deps.metrics);
  return std::make_unique<PeerHandler>(std::move(self), store, std::move(options), deps);
}

}  // namespace mas::peer
