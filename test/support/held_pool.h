// A pool that keeps back what it is given while the test wants it to.
#pragma once

#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "mas/runtime/pool.h"

namespace mas::test {

class HeldPool final : public Pool {
 public:
  // `inner` runs what is let through; its tasks end before this object.
  explicit HeldPool(std::unique_ptr<Pool> inner) : inner_(std::move(inner)) {}
  bool submit(PoolTask& task) override {
    std::lock_guard lock(mutex_);
    if (!holding_) return pass_on(task);
    held_.push_back(&task);
    return true;
  }
  [[nodiscard]] std::size_t queued() const override { return inner_->queued(); }
  // From here on nothing runs: it also waits for what does. A writer that has answered may still be
  // looking for more.
  void hold() {
    std::unique_lock lock(mutex_);
    holding_ = true;
    idle_.wait(lock, [this] { return at_work_ == 0; });
  }
  void release() {
    std::lock_guard lock(mutex_);
    holding_ = false;
    for (PoolTask* task : held_) REQUIRE(pass_on(*task));
    held_.clear();
  }

 private:
  struct Counted final : PoolTask {
    Counted(HeldPool& pool, PoolTask& task) : owner(pool), inner(task) {}
    void run() noexcept override {
      inner.run();
      owner.finished();
      delete this;
    }
    HeldPool& owner;
    PoolTask& inner;
  };
  bool pass_on(PoolTask& task) {
    auto counted = std::make_unique<Counted>(*this, task);
    if (!inner_->submit(*counted)) return false;
    (void)counted.release();
    ++at_work_;
    return true;
  }
  void finished() {
    std::lock_guard lock(mutex_);
    if (--at_work_ == 0) idle_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t at_work_ = 0;
  bool holding_ = false;
  std::vector<PoolTask*> held_;
  std::unique_ptr<Pool> inner_;
};

}  // namespace mas::test
