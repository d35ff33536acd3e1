// must(result): the value of a call that has to succeed; ends the test with the error otherwise.
#pragma once

#include <catch2/catch.hpp>
#include <utility>

#include "mas/core/result.h"

namespace mas {

template <class T>
T must(Result<T> result) {
  if (result.has_error()) {
    FAIL(code_name(result.error().code()) << ": " << result.error().message());
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// The code of a call that has to fail; Code::ok if it did not.
template <class T>
Code code_of(const Result<T>& result) {
  return result.has_error() ? result.error().code() : Code::ok;
}

}  // namespace mas
