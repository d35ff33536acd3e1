// Runs tasks that never wait, as those of a metadata store in memory, to their end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <utility>

#include "mas/runtime/sync.h"
#include "mas/runtime/task.h"

namespace mas::sim {

template <class T>
T at_once(Task<T> task) {
  boost::asio::io_context context;
  std::optional<T> answer;
  auto run = [](Task<T> inner, std::optional<T>* into) -> Task<void> {
    into->emplace(co_await std::move(inner));
  };
  Gate gate;
  spawn(context.get_executor(), gate, run(std::move(task), &answer), "at once");
  context.poll();
  MAS_ASSERT(answer.has_value());
  return *std::move(answer);
}

}  // namespace mas::sim
