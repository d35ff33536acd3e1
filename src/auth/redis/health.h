// Whether the server is known to be down: then calls fail at once instead of each waiting for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "mas/core/error.h"

namespace mas::auth::redis {

// Thread-safe.
class Health {
 public:
  // Which stretch of being up a call began in.
  using Era = std::uint64_t;

  // nullopt while the server is thought to be up, else what a call answers at once.
  [[nodiscard]] std::optional<Error> verdict() const;
  [[nodiscard]] Era era() const noexcept { return era_.load(std::memory_order_acquire); }

  // A call that began in `era` found the server down; `answer` is for those that follow. True if
  // that is news: then a probe has to start. A call from before the last return proves nothing.
  [[nodiscard]] bool went_down(Era era, const Error& answer);
  // The probe found it down still; calls get `answer` from now on.
  void still_down(const Error& answer);
  // The probe got its answer.
  void came_back();

 private:
  std::atomic<bool> down_{false};
  std::atomic<Era> era_{0};
  mutable std::mutex mutex_;
  Error answer_;
};

}  // namespace mas::auth::redis
