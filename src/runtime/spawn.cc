#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <new>
#include <string>

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/sync.h"

namespace mas {
namespace {

Task<void> run_owned(Task<void> task, [[maybe_unused]] Gate::Pass pass) {
  co_await std::move(task);
}

// An exception that got this far is a bug in mas or memory running out. Tells of it, and gives the
// error that stands for it.
Error told(const std::exception_ptr& failure, std::string_view task) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    if (log::once_a_minute("memory.short")) log::error("memory.short", {{"task", task}});
    return {Code::busy, "Memory is short on this pod; try again shortly."};
  } catch (const std::exception& e) {
    log::error("task.failed", {{"task", task}, {"what", e.what()}});
  } catch (...) {
    log::error("task.failed", {{"task", task}, {"what", "unknown exception"}});
  }
  return {Code::internal, "Something inside the server went wrong; its log says what."};
}

// Told of the task's end.
struct Finished {
  std::string name;
  void operator()(const std::exception_ptr& failure) const {
    if (failure) (void)told(failure, name);
  }
};

}  // namespace

Error detail::escaped(const std::exception_ptr& failure, std::string_view task) {
  Error error = told(failure, task);
  error.mark_maybe_happened();
  return error;
}

bool spawn(const Executor& executor, Gate& gate, Task<void> task, std::string_view name) {
  auto pass = gate.try_enter();
  if (!pass) return false;
  boost::asio::co_spawn(executor, run_owned(std::move(task), std::move(*pass)),
                        Finished{std::string(name)});
  return true;
}

}  // namespace mas
