// Result<T>: a value or an Error, and the macros that pass errors on.
#pragma once

#include <boost/system/result.hpp>
#include <utility>

#include "mas/core/error.h"

namespace mas {

// Holds a T or an Error. Test with has_value()/has_error(), read with *r or r->, r.error().
template <class T>
using Result = boost::system::result<T, Error>;

// Called by value() on an error: a programming error in mas, so it ends the process.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

// Ends the process with a message; for broken invariants, also in release builds.
[[noreturn]] void fail_assertion(const char* expression, const char* file, int line);

}  // namespace mas

#define MAS_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::mas::fail_assertion(#expression, __FILE__, __LINE__))

#define MAS_DETAIL_CONCAT_(a, b) a##b
#define MAS_DETAIL_CONCAT(a, b) MAS_DETAIL_CONCAT_(a, b)

// MAS_TRY(auto x, f()): declares x from the value of f(), or returns f()'s error.
#define MAS_TRY(declaration, expression) \
  MAS_DETAIL_TRY(declaration, expression, MAS_DETAIL_CONCAT(mas_result_, __LINE__), return )
// MAS_CHECK(f()): returns f()'s error, if any; its value is dropped.
#define MAS_CHECK(expression) \
  MAS_DETAIL_CHECK(expression, MAS_DETAIL_CONCAT(mas_result_, __LINE__), return )
// The same inside coroutines: MAS_CO_TRY(auto x, co_await f()), MAS_CO_CHECK(co_await f()).
#define MAS_CO_TRY(declaration, expression) \
  MAS_DETAIL_TRY(declaration, expression, MAS_DETAIL_CONCAT(mas_result_, __LINE__), co_return )
#define MAS_CO_CHECK(expression) \
  MAS_DETAIL_CHECK(expression, MAS_DETAIL_CONCAT(mas_result_, __LINE__), co_return )

#define MAS_DETAIL_TRY(declaration, expression, name, give_back) \
  auto name = (expression);                                      \
  if (name.has_error()) give_back std::move(name).error();       \
  declaration = *std::move(name)
#define MAS_DETAIL_CHECK(expression, name, give_back)        \
  do {                                                       \
    auto name = (expression);                                \
    if (name.has_error()) give_back std::move(name).error(); \
  } while (false)
