// Tried: what one attempt at an operation came to.
#pragma once

#include <utility>

#include "mas/core/result.h"

namespace mas::meta::mongo {

// An answer, or that somebody was in the way and it certainly changed nothing.
template <class R>
struct Tried {
  Tried(Error error) : answer(std::move(error)) {}  // NOLINT: converts like a Result
  Tried(R result) : answer(std::move(result)) {}    // NOLINT
  static Tried again() {
    Tried tried{
        Error(Code::metadata_unavailable, "Too many change this at once; try again shortly.")};
    tried.retry = true;
    return tried;
  }
  R answer;
  bool retry = false;
};

}  // namespace mas::meta::mongo
