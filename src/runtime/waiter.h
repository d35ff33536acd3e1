// Waiter: suspends one coroutine until some thread says go. Events, semaphores, gates and offload
// are built on it.
#pragma once

#include <atomic>
#include <cstddef>

#include "mas/runtime/task.h"

namespace mas {

// One use: one wait(), one resume(), in either order, on any threads. Lives until wait() has
// returned; resume() does not touch it once the waiting coroutine may have gone on.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  Task<void> wait();
  void resume();

 private:
  friend struct StartWaiting;
  enum class State { fresh, waiting, resumed };
  // The suspended coroutine, as Asio hands it over; kept in place, so that waiting allocates
  // nothing.
  struct Suspended {
    virtual ~Suspended() = default;
    // Schedules the coroutine on `home`. Leaves *this destroyed before that can happen.
    virtual void post_to(Executor home) = 0;
  };
  static constexpr std::size_t kStorage = 64;

  std::atomic<State> state_{State::fresh};
  Executor home_;
  Suspended* suspended_ = nullptr;
  alignas(std::max_align_t) std::byte storage_[kStorage];
};

}  // namespace mas
