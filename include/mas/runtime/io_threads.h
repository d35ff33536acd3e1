// The io threads: one Asio io_context per core, one thread each. A session lives on one of them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "mas/core/result.h"
#include "mas/runtime/task.h"

namespace boost::asio {
class io_context;
}

namespace mas {

// To outlive every pool: a pool's thread that has resumed work here may be about to wake a thread.
class IoThreads {
 public:
  explicit IoThreads(std::size_t threads);
  // Stops the contexts and joins; every Gate must have been drained before.
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] boost::asio::io_context& context(std::size_t index);
  [[nodiscard]] Executor executor(std::size_t index);
  // The next one, round robin.
  [[nodiscard]] Executor next();
  // Starts the threads.
  void start();
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Runs `task` to its end on an io_context of its own, on the calling thread; for tests and
// commands.
void run_blocking(Task<void> task);

// The same for a task with a value.
template <class T>
T run_blocking_for(Task<T> task) {
  std::optional<T> value;
  auto fill = [](Task<T> inner, std::optional<T>& out) -> Task<void> {
    out.emplace(co_await std::move(inner));
  };
  run_blocking(fill(std::move(task), value));
  return std::move(*value);
}

}  // namespace mas
