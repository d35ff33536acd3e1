// contain(task, name): a task whose exceptions are errors, for where others wait for its end.
//
// Whoever keeps a mark like "running" that later callers wait for must take it back by whichever
// way the work ends, and often has to wait for something before it can. An exception would skip
// that. Inside contain() it becomes an error that goes the way of every other:
//
//   Result<Upload> got = co_await contain(fetch(id), "fetch");
//   running_ = false;
#pragma once

#include <exception>
#include <string_view>
#include <utility>

#include "mas/core/result.h"
#include "mas/runtime/task.h"

namespace mas {
namespace detail {

// Logs what escaped `task` and gives the error that stands for it.
[[nodiscard]] Error escaped(const std::exception_ptr& failure, std::string_view task);

}  // namespace detail

// `task`'s result. An exception out of it is logged under `name` and becomes the error `internal`,
// or busy where memory was short, which says that the work may have taken effect. `name` outlives
// the task: give a literal.
template <class T>
Task<Result<T>> contain(Task<Result<T>> task, std::string_view name) {
  std::exception_ptr failure;
  try {
    co_return co_await std::move(task);
  } catch (...) {
    failure = std::current_exception();
  }
  co_return detail::escaped(failure, name);
}

// The same of a task that has no result: an error only after an exception.
inline Task<Result<void>> contain(Task<void> task, std::string_view name) {
  std::exception_ptr failure;
  try {
    co_await std::move(task);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) co_return detail::escaped(failure, name);
  co_return Result<void>();
}

}  // namespace mas
