// Task<T>: the coroutine type of mas. A task belongs to one executor (one io thread) for its whole
// life.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace mas {

template <class T = void>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

}  // namespace mas
