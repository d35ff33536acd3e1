// offload(pool, f): runs a blocking function in a pool and comes back to the caller's io thread.
#pragma once

#include <optional>
#include <utility>

#include "mas/core/result.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/task.h"

namespace mas {
namespace detail {

// Submits `task`, resumes the caller on its own executor after run(). False: the pool took nothing.
Task<bool> run_in(Pool& pool, PoolTask& task);

template <class F>
class OffloadTask final : public PoolTask {
 public:
  explicit OffloadTask(F function) : function_(std::move(function)) {}
  void run() noexcept override { result_.emplace(function_()); }
  [[nodiscard]] std::invoke_result_t<F&> take() { return std::move(*result_); }

 private:
  F function_;
  std::optional<std::invoke_result_t<F&>> result_;
};

}  // namespace detail

// `f` takes nothing, returns a Result<T> and must not throw; it is done when the task resumes.
// Errors: f's own, and `busy` if the pool's queue is full (f did not run).
// Pass a lambda made on a line of its own, never inside the co_await expression (GCC 12 miscompiles
// it).
template <class F>
Task<std::invoke_result_t<F&>> offload(Pool& pool, F f) {
  detail::OffloadTask<F> task(std::move(f));
  bool ran = co_await detail::run_in(pool, task);
  if (!ran) co_return Error(Code::busy, "The server has too much queued work; try again shortly.");
  co_return task.take();
}

}  // namespace mas
