// The handler: routes a request, checks its tokens, runs its endpoint and sends what that gives
// back.
#include "mas/api/api.h"

#include "api/call.h"
#include "api/full_disk.h"
#include "api/params.h"
#include "api/reply.h"
#include "api/router.h"
#include "api/token_gate.h"
#include "mas/observe/log.h"

namespace mas::api {
namespace {

// What was sent and not kept is on the disk for some ten minutes, then until collection comes by,
// and then until compaction has been there.
constexpr Duration kLeft = std::chrono::minutes(20);

std::function<Instant()> gone_before(const maintain::FreedBoard* board) {
  if (board == nullptr) return {};
  return [board] { return board->gone_before(); };
}

Reply preflight(const Cors& cors, const http::RequestHead& head, std::string_view allow) {
  Reply reply;
  reply.status = 204;
  cors.add_preflight(reply.headers, head.headers.get("Origin"), allow);
  return reply;
}

Reply wrong_method(std::string_view allow) {
  Reply reply = failure(Error(Code::method_not_allowed,
                              "This route takes only the methods " + std::string(allow) + "."));
  reply.headers.set("Allow", std::string(allow));
  return reply;
}

Error unknown_route() {
  return Error(Code::no_such_route, "There is no such route; GET /openapi.json lists them all.");
}

class Api final : public http::Handler {
 public:
  Api(const config::Config& config, const Dependencies& deps)
      : backends_(deps),
        abandoned_(std::make_shared<AbandonedBook>(kLeft + 2 * config.maintain.collect_interval,
                                                   gone_before(deps.freed))),
        services_{config, deps, Cors(config.cors), backends_, *abandoned_} {
    deps.metrics
        .gauge("mas_build_info", "Always 1; the label tells the version.",
               {{"version", MAS_VERSION}})
        .set(1);
  }

  Task<void> handle(http::Exchange& exchange) override {
    Result<Reply> result = co_await route(exchange);
    if (result.has_error()) note(exchange, result.error());
    // Too late for a status: the session closes the connection short of the announced length.
    if (exchange.started()) co_return;
    Reply reply = result.has_error() ? refusal(result.error()) : *std::move(result);
    if (reply.sent) co_return;
    exchange.wire_code = wire_code(reply.code);
    Rendered rendered = render(std::move(reply));
    services_.cors.add_to(rendered.head.headers, exchange.head().headers.get("Origin"));
    // The client has gone if this fails: there is nobody left to tell.
    static_cast<void>(
        co_await exchange.respond(std::move(rendered.head), std::move(rendered.body)));
  }

  std::pair<http::ResponseHead, std::string> early_error(const Error& error,
                                                         std::string_view) override {
    Rendered rendered = render(refusal(error));
    services_.cors.add_to(rendered.head.headers, std::nullopt);
    return {std::move(rendered.head), std::move(rendered.body)};
  }

 private:
  [[nodiscard]] Reply refusal(const Error& error) const {
    Reply reply = failure(error);
    if (error.code() == Code::disk_full) {
      explain_full_disk(reply, services_.deps.freed);
      note_full_disk(services_.deps);
    }
    return reply;
  }

  Task<Result<Reply>> route(http::Exchange& exchange) {
    const http::RequestHead& head = exchange.head();
    Match match = find_route(head.method, head.path);
    bool moved = head.path == "/metrics" && !services_.config.metrics.listen.empty();
    if (match.pattern.empty() || moved) co_return unknown_route();
    exchange.route = match.pattern;
    if (head.method == http::Method::options) {
      co_return preflight(services_.cors, head, match.allow);
    }
    if (match.route == nullptr) co_return wrong_method(match.allow);
    MAS_CO_CHECK(refuse_doubled_headers(head.headers));
    Call call{exchange, services_, {}, nullptr};
    MAS_CO_TRY(call.query, parse_query(head.raw_query, services_.config.http.max_parameters));
    MAS_CO_CHECK(co_await admit(call, match.route->needs));
    if (match.route->needs != Needs::nothing) exchange.admitted();
    co_return co_await match.route->endpoint(call);
  }

  // What went wrong inside the server is for its log; the client gets the request's id.
  static void note(http::Exchange& exchange, const Error& error) {
    exchange.wire_code = wire_code(error.code());
    if (http_status(error.code()) != 500 || error.code() == Code::closed) return;
    log::error("api.request_failed",
               {{"id", exchange.head().request_id}, {"route", exchange.route}, {"error", error}});
  }

  BackendHealth backends_;
  std::shared_ptr<AbandonedBook> abandoned_;
  Services services_;
};

}  // namespace

std::unique_ptr<http::Handler> make_api(const config::Config& config,
                                        const Dependencies& dependencies) {
  return std::make_unique<Api>(config, dependencies);
}

}  // namespace mas::api
