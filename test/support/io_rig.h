// One io thread to run coroutines on while the test's own thread moves the clock: what a use
// started goes on there after the call that started it.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "mas/runtime/io_threads.h"
#include "mas/runtime/sync.h"

namespace mas::test {

class IoRig {
 public:
  IoRig() { io_.start(); }
  ~IoRig() { run_blocking(gate_.close()); }
  IoRig(const IoRig&) = delete;
  IoRig& operator=(const IoRig&) = delete;

  // Runs `task` on the io thread and waits for its value.
  template <class T>
  T run(Task<T> task) {
    return start(std::move(task)).get();
  }
  // Starts `task`; the future has its value when it has ended. Not after the rig is gone.
  template <class T>
  std::future<T> start(Task<T> task) {
    auto promise = std::make_shared<std::promise<T>>();
    auto value = promise->get_future();
    spawn(io_.executor(0), gate_, fill(std::move(task), promise), "test call");
    return value;
  }
  [[nodiscard]] Executor executor() { return io_.executor(0); }
  // Waits until the io thread has nothing to do at once.
  void settle() {
    for (int i = 0; i < 8; ++i) run(nothing());
  }

 private:
  template <class T>
  static Task<void> fill(Task<T> task, std::shared_ptr<std::promise<T>> promise) {
    T value = co_await std::move(task);
    promise->set_value(std::move(value));
  }
  static Task<bool> nothing() { co_return true; }

  IoThreads io_{1};
  Gate gate_;
};

}  // namespace mas::test
