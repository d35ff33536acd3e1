// A pool without threads: for tests that run everything on one.
#pragma once

#include "mas/runtime/pool.h"

namespace mas::test {

// Runs what it is given on the thread that submits it.
class InlinePool final : public Pool {
 public:
  bool submit(PoolTask& task) override {
    task.run();
    return true;
  }
  [[nodiscard]] std::size_t queued() const override { return 0; }
};

}  // namespace mas::test
