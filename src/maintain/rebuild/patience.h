// Calls of the metadata store that may be repeated, repeated while it is away for a moment.
#pragma once

#include <algorithm>

#include "mas/core/result.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/task.h"

namespace mas::maintain::rebuild {

// Pauses before the second try and those that follow; together longer than a server's change-over.
inline constexpr int kTries = 7;
[[nodiscard]] inline Duration pause_after(int tries) {
  return std::chrono::milliseconds(250) * (1 << std::min(tries - 1, 5));
}

// `make` gives a task of Result<T>, each time a new one.
template <class T, class Make>
Task<Result<T>> patiently(Clock& clock, Make make) {
  for (int tries = 1;; ++tries) {
    auto call = make();
    Result<T> result = co_await std::move(call);
    bool again = result.has_error() && tries < kTries &&
                 (result.error().code() == Code::metadata_unavailable ||
                  result.error().code() == Code::busy);
    if (!again) co_return result;
    co_await clock.sleep(pause_after(tries));
  }
}

}  // namespace mas::maintain::rebuild
