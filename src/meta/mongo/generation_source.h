// Numbers of a shared counter: callers who wait at the same time share one write, and nothing is
// kept for later ones, so that a higher number was always asked for later than a lower one given.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "mas/core/result.h"
#include "mas/runtime/sync.h"
#include "mas/runtime/task.h"

namespace mas::meta::mongo {

class GenerationSource {
 public:
  // Adds `count` to the stored counter, which has to have reached `known`, and gives the first of
  // that many numbers.
  using Reserve =
      std::function<Task<Result<std::uint64_t>>(std::uint64_t known, std::uint64_t count)>;
  explicit GenerationSource(Reserve reserve) : reserve_(std::move(reserve)) {}

  Task<Result<std::uint64_t>> take(std::uint64_t known, std::uint32_t count) {
    auto [batch, offset] = join(known, count);
    if (offset == 0) {
      auto turn = co_await in_flight_.acquire(1);
      const auto [most_known, total] = leave_to(*batch);
      if (turn.has_error()) {
        batch->first = turn.error();
      } else {
        auto reserved = reserve_(most_known, total);
        batch->first = co_await std::move(reserved);
      }
      batch->done.set();
    }
    co_await batch->done.wait();
    if (batch->first.has_error()) co_return batch->first.error();
    co_return *batch->first + offset;
  }

 private:
  struct Batch {
    std::uint64_t known = 0;  // the highest of what its callers know
    std::uint64_t total = 0;
    Result<std::uint64_t> first = std::uint64_t{0};
    Event done;
  };

  // The batch that has not been sent yet, and what others in it take before.
  std::pair<std::shared_ptr<Batch>, std::uint64_t> join(std::uint64_t known, std::uint32_t count) {
    std::lock_guard lock(mutex_);
    if (!gathering_) gathering_ = std::make_shared<Batch>();
    std::uint64_t offset = gathering_->total;
    gathering_->total += count;
    gathering_->known = std::max(gathering_->known, known);
    return {gathering_, offset};
  }
  // Nobody joins `batch` any more; what its callers know, and take.
  std::pair<std::uint64_t, std::uint64_t> leave_to(const Batch& batch) {
    std::lock_guard lock(mutex_);
    gathering_.reset();
    return {batch.known, batch.total};
  }

  Reserve reserve_;
  Semaphore in_flight_{1};
  std::mutex mutex_;
  std::shared_ptr<Batch> gathering_;
};

}  // namespace mas::meta::mongo
