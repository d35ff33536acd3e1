#include "object/join.h"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mas/runtime/sync.h"

namespace mas::object {

Task<void> run_all(std::vector<Task<void>> tasks, std::string_view name) {
  Executor home = co_await boost::asio::this_coro::executor;
  Gate gate;
  for (Task<void>& task : tasks) spawn(home, gate, std::move(task), name);
  co_await gate.close();
}

}  // namespace mas::object
