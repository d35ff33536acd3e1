// Which failures of a request are worth another try, and when.
#pragma once

#include "mas/core/error.h"
#include "mas/core/units.h"

namespace mas::app {

inline constexpr int kMaxTries = 6;

// Whether the same request may succeed later: a connection that broke, a busy or unavailable pod.
[[nodiscard]] inline bool is_worth_a_retry(const Error& error) {
  switch (error.code()) {
    case Code::closed:
    case Code::timeout:
    case Code::io:
    case Code::sender_too_slow:
    case Code::too_many_requests:
      return true;
    default:
      return is_retryable(error.code());
  }
}

// Before the try after `failures` failures: 0.2, 0.4, 0.8, 1.6, 3.2 s.
[[nodiscard]] inline Duration retry_pause(int failures) {
  return std::chrono::milliseconds(100) * (1 << failures);
}

}  // namespace mas::app
