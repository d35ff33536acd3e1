// Waiter: suspends one coroutine until some thread says go. Events, semaphores, gates and offload
// are built on it.
#pragma once

#include <atomic>
#include <boost/asio/any_completion_handler.hpp>

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
  std::atomic<State> state_{State::fresh};
  Executor home_;
  boost::asio::any_completion_handler<void()> handler_;
};

}  // namespace mas
