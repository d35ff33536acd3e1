// Signals to the process, as something that a coroutine waits for.
#pragma once

#include <memory>
#include <span>

#include "mas/runtime/task.h"

namespace mas {

class Signals {
 public:
  // From now on these are caught (SIGTERM, SIGINT); one that comes before wait() is kept for it.
  Signals(const Executor& executor, std::span<const int> numbers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Resumes on the next of them; returns its number.
  Task<int> wait();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mas
