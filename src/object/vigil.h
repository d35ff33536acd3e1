// Vigil: one coroutine waiting for news from others of its own thread, for as long as it wants to.
#pragma once

#include <memory>

#include "mas/runtime/clock.h"
#include "mas/runtime/sync.h"

namespace mas::object {

// All calls on `home`. News that comes while nobody waits is kept until somebody does.
class Vigil {
 public:
  Vigil(Clock& clock, Executor home) : clock_(clock), home_(std::move(home)) {}

  // Resumes at wake(): true; or when `patience` is over: false. One at a time.
  Task<bool> wait(Duration patience);
  // Without a limit.
  Task<void> wait();
  void wake();

  [[nodiscard]] const Executor& home() const noexcept { return home_; }

 private:
  Clock& clock_;
  const Executor home_;
  // Made when first needed.
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Event> event_;
  bool on_timer_ = false;  // waiting
  bool on_event_ = false;
  bool woken_ = false;
};

}  // namespace mas::object
