// What is counted and logged of requests and connections.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "http/refusal_tally.h"
#include "mas/core/units.h"
#include "mas/http/message.h"
#include "mas/observe/metrics.h"

namespace mas::http {

// One finished request.
struct RequestRecord {
  std::string_view route = "-";
  Method method = Method::other;
  std::string_view path;  // without the query
  std::string_view request_id;
  std::string_view client;
  int status = 0;
  int wire_code = 200;
  Duration took{};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

// Belongs to one io thread: it remembers instruments, so that the registry's lock is taken once for
// each new combination of labels only.
class RequestMetrics {
 public:
  // `surface`: as in ServerDependencies. `refusals`: of all io threads.
  RequestMetrics(observe::Metrics& registry, const std::string& surface, RefusalTally& refusals);

  // Counts the request and writes its log line: debug, info from status 400 on. Refusals are debug
  // too, and summed.
  void record(const RequestRecord& request);

  observe::Gauge& connections;
  observe::Counter& refused;
  observe::Counter& made_room;
  observe::Counter& accept_errors;
  observe::Counter& handshake_failures;
  observe::Counter& handshake_timeouts;
  observe::Counter& handler_failures;

 private:
  using Key = std::tuple<std::string, Method, int>;
  using KeyView = std::tuple<std::string_view, Method, int>;
  struct Less {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return as_view(a) < as_view(b);
    }
    static KeyView as_view(const Key& key) {
      return {std::get<0>(key), std::get<1>(key), std::get<2>(key)};
    }
    static const KeyView& as_view(const KeyView& key) { return key; }
  };
  observe::Counter& requests(const KeyView& key);
  observe::Histogram& seconds(std::string_view route);

  observe::Metrics& registry_;
  RefusalTally& refusals_;
  std::string event_;   // of the log line
  std::string prefix_;  // of the metrics
  observe::Counter& bytes_in_;
  observe::Counter& bytes_out_;
  std::map<Key, observe::Counter*, Less> requests_;
  std::map<std::string, observe::Histogram*, std::less<>> seconds_;
};

}  // namespace mas::http
