// A MetaStore one call of which throws, as a bug or a lack of memory would have it.
#pragma once

#include <stdexcept>

#include "support/meta_calls.h"

namespace mas::test {

// Throws once, when call `at` of those that follow begins; -1: none does. Not thread-safe.
class ThrowingMeta final : public MetaCalls<ThrowingMeta> {
 public:
  using MetaCalls::MetaCalls;

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    if (at == 0) {
      at = -1;
      thrown = true;
      throw std::runtime_error("a bug");
    }
    if (at > 0) --at;
    return call;
  }

  int at = -1;
  bool thrown = false;
};

}  // namespace mas::test
