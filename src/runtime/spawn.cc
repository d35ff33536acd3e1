#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <string>

#include "mas/observe/log.h"
#include "mas/runtime/sync.h"

namespace mas {
namespace {

Task<void> run_owned(Task<void> task, [[maybe_unused]] Gate::Pass pass) {
  co_await std::move(task);
}

// Told of the task's end; an exception here is a bug in mas or memory running out.
struct Finished {
  std::string name;
  void operator()(std::exception_ptr failure) const {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      log::error("task failed", {{"task", name}, {"what", e.what()}});
    } catch (...) {
      log::error("task failed", {{"task", name}, {"what", "unknown exception"}});
    }
  }
};

}  // namespace

bool spawn(const Executor& executor, Gate& gate, Task<void> task, std::string_view name) {
  auto pass = gate.try_enter();
  if (!pass) return false;
  boost::asio::co_spawn(executor, run_owned(std::move(task), std::move(*pass)),
                        Finished{std::string(name)});
  return true;
}

}  // namespace mas
