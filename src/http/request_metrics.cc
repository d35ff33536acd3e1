#include "http/request_metrics.h"

#include "mas/observe/log.h"

namespace mas::http {
namespace {

// Paths come from strangers: bounded, and nothing that could forge a line.
std::string loggable(std::string_view path) {
  constexpr std::size_t kLongest = 256;
  std::string text(path.substr(0, kLongest));
  for (char& c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) c = '?';
  }
  return text;
}

void write_log(const std::string& event, const RequestRecord& request) {
  const bool is_told = request.status >= 400 && !RefusalTally::is_refusal(request.status);
  const log::Level level = is_told ? log::Level::info : log::Level::debug;
  if (!log::enabled(level)) return;
  std::chrono::duration<double, std::milli> took = request.took;
  log::write(level, event,
             {{"id", request.request_id},
              {"method", method_name(request.method)},
              {"path", loggable(request.path)},
              {"route", request.route},
              {"status", request.status},
              {"code", request.wire_code},
              {"ms", took.count()},
              {"bytes_in", request.bytes_in},
              {"bytes_out", request.bytes_out},
              {"client", request.client}});
}

}  // namespace

RequestMetrics::RequestMetrics(observe::Metrics& registry, const std::string& surface,
                               RefusalTally& refusals)
    : connections(registry.gauge("mas_" + surface + "_connections", "Open connections")),
      refused(registry.counter("mas_" + surface + "_connections_refused_total",
                               "Connections refused because there were too many")),
      made_room(registry.counter("mas_" + surface + "_connections_made_room_total",
                                 "Waiting connections closed because all were taken")),
      accept_errors(registry.counter("mas_" + surface + "_accept_errors_total",
                                     "Connections that failed to be accepted")),
      handshake_failures(registry.counter("mas_" + surface + "_handshake_failures_total",
                                          "Connections that ended in their TLS handshake")),
      handshake_timeouts(registry.counter("mas_" + surface + "_handshake_timeouts_total",
                                          "Connections that took too long for their handshake")),
      handler_failures(registry.counter("mas_" + surface + "_handler_failures_total",
                                        "Requests whose handler failed in an unforeseen way")),
      registry_(registry),
      refusals_(refusals),
      event_(surface + ".request"),
      prefix_("mas_" + surface),
      bytes_in_(registry.counter(prefix_ + "_received_bytes_total", "Bytes of requests received")),
      bytes_out_(registry.counter(prefix_ + "_sent_bytes_total", "Bytes of answers sent")) {}

void RequestMetrics::record(const RequestRecord& request) {
  requests({request.route, request.method, request.status}).add();
  seconds(request.route).observe(std::chrono::duration<double>(request.took).count());
  bytes_in_.add(static_cast<double>(request.bytes_in));
  bytes_out_.add(static_cast<double>(request.bytes_out));
  refusals_.count(request.client, request.status);
  write_log(event_, request);
}

observe::Counter& RequestMetrics::requests(const KeyView& key) {
  auto found = requests_.find(key);
  if (found == requests_.end()) {
    auto [route, method, status] = key;
    observe::Labels labels{{"route", std::string(route)},
                           {"method", std::string(method_name(method))},
                           {"status", std::to_string(status)}};
    observe::Counter& counter =
        registry_.counter(prefix_ + "_requests_total", "Requests answered", labels);
    found = requests_.emplace(Key(std::string(route), method, status), &counter).first;
  }
  return *found->second;
}

observe::Histogram& RequestMetrics::seconds(std::string_view route) {
  auto found = seconds_.find(route);
  if (found == seconds_.end()) {
    observe::Histogram& histogram = registry_.histogram(
        prefix_ + "_request_seconds", "From a request's head to its answer's end",
        observe::latency_bounds(), {{"route", std::string(route)}});
    found = seconds_.emplace(std::string(route), &histogram).first;
  }
  return *found->second;
}

}  // namespace mas::http
