// What all sessions of one io thread share.
#pragma once

#include <cstdint>
#include <string>

#include "http/crowd.h"
#include "http/request_metrics.h"
#include "mas/config/config.h"
#include "mas/http/exchange.h"
#include "mas/http/range.h"
#include "mas/runtime/clock.h"

namespace mas::http {

// The Date field's value, formatted once a second.
class DateCache {
 public:
  [[nodiscard]] const std::string& at(WallTime now) {
    if (now.unix_seconds() != second_ || text_.empty()) {
      second_ = now.unix_seconds();
      text_ = http_date(second_);
    }
    return text_;
  }

 private:
  std::int64_t second_ = 0;
  std::string text_;
};

// Request ids: spread evenly, without a call to the kernel each; not secret.
class RequestIds {
 public:
  explicit RequestIds(std::uint64_t seed) : state_(seed) {}
  // 16 hex digits.
  [[nodiscard]] std::string next();

 private:
  std::uint64_t state_;
};

// Used from its io thread only.
struct SessionContext {
  SessionContext(const config::Http& http_options, Handler& request_handler, Clock& the_clock,
                 RequestMetrics request_metrics, std::uint64_t id_seed)
      : options(http_options),
        handler(request_handler),
        clock(the_clock),
        metrics(std::move(request_metrics)),
        ids(id_seed) {}

  const config::Http& options;
  Handler& handler;
  Clock& clock;
  RequestMetrics metrics;
  DateCache date;
  RequestIds ids;
  Crowd crowd;
  bool stopping = false;  // connections end with the request they are in
};

}  // namespace mas::http
