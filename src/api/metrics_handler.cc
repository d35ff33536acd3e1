// GET /metrics on a port of its own, and the probes, so that they are answered whatever the API's
// connections are busy with. Nothing else.
#include "api/reply.h"
#include "mas/api/api.h"

namespace mas::api {
namespace {

class MetricsHandler final : public http::Handler {
 public:
  MetricsHandler(observe::Metrics& metrics, http::Handler& api) : metrics_(metrics), api_(api) {}

  Task<void> handle(http::Exchange& exchange) override {
    const http::RequestHead& head = exchange.head();
    if (head.path == "/healthz" || head.path == "/readyz") {
      co_await api_.handle(exchange);
      co_return;
    }
    Reply reply;
    if (head.path != "/metrics") {
      reply = failure(Error(Code::no_such_route,
                            "Only /metrics, /healthz and /readyz are answered on this port."));
    } else if (exchange.route = "/metrics"; head.method != http::Method::get) {
      reply = failure(Error(Code::method_not_allowed, "This route takes only the method GET."));
      reply.headers.set("Allow", "GET");
    } else {
      reply.raw = {"text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
    }
    exchange.wire_code = wire_code(reply.code);
    Rendered rendered = render(std::move(reply));
    static_cast<void>(
        co_await exchange.respond(std::move(rendered.head), std::move(rendered.body)));
  }

  std::pair<http::ResponseHead, std::string> early_error(const Error& error,
                                                         std::string_view) override {
    Rendered rendered = render(failure(error));
    return {std::move(rendered.head), std::move(rendered.body)};
  }

 private:
  observe::Metrics& metrics_;
  http::Handler& api_;
};

}  // namespace

std::unique_ptr<http::Handler> make_metrics_handler(observe::Metrics& metrics, http::Handler& api) {
  return std::make_unique<MetricsHandler>(metrics, api);
}

}  // namespace mas::api
