// Call<R>: the answer to one request that another thread works out, awaited with a deadline. It is
// shared by both sides, so that a caller may leave before the work is done.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "mas/core/result.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/sync.h"

namespace mas::meta {

// What happens at the deadline.
class Expirable {
 public:
  virtual ~Expirable() = default;
  virtual void expire() = 0;
};

// How calls wait: for how long, and who owns their timers. Close the gate before destroying it.
struct Waiting {
  Clock& clock;
  Duration deadline;
  Gate gate;
};

// Resumes when `done` is set, after at most `deadline` (then `call` was expired, which sets it).
Task<void> wait_for(Waiting& waiting, Duration deadline, Event& done,
                    std::shared_ptr<Expirable> call);

template <class R>
class Call : public Expirable {
 public:
  // The first of these wins; thread-safe.
  void settle(R result) {
    {
      std::lock_guard lock(mutex_);
      if (result_) return;
      result_.emplace(std::move(result));
    }
    done_.set();
  }
  // True for the one side that may start the work; false once the call has expired.
  bool start() {
    auto fresh = Stage::waiting;
    return stage_.compare_exchange_strong(fresh, Stage::started);
  }
  void expire() override {
    auto fresh = Stage::waiting;
    bool never_started = stage_.compare_exchange_strong(fresh, Stage::expired);
    Error error(Code::metadata_unavailable, "The metadata store did not answer in time.");
    if (!never_started) error.mark_maybe_happened();
    settle(std::move(error));
  }

  // Once, by the caller. `self` is this call.
  static Task<R> wait(std::shared_ptr<Call> self, Waiting& waiting) {
    return wait(std::move(self), waiting, waiting.deadline);
  }
  static Task<R> wait(std::shared_ptr<Call> self, Waiting& waiting, Duration deadline) {
    co_await wait_for(waiting, deadline, self->done_, self);
    std::lock_guard lock(self->mutex_);
    co_return std::move(*self->result_);
  }

 private:
  enum class Stage { waiting, started, expired };
  std::mutex mutex_;
  std::optional<R> result_;
  std::atomic<Stage> stage_{Stage::waiting};
  Event done_;
};

}  // namespace mas::meta
