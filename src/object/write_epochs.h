// Which layouts the writes at work began under, so that a pod acknowledges a layout only when no
// write is left that began under an older one. A write is one stripe, one manifest with its commit,
// or one deletion, never a whole body: a client that sends slowly must not hold a layout up. What a
// body has stored so far is answered for elsewhere (unrecorded.h).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "mas/membership/cluster_view.h"

namespace mas::object {

// Thread-safe; outlives what it gave.
class WriteEpochs {
 public:
  // A write at work; over when destroyed.
  class [[nodiscard]] Write {
   public:
    Write(WriteEpochs& epochs, std::uint64_t version) : epochs_(&epochs), version_(version) {}
    Write(Write&& other) noexcept
        : epochs_(std::exchange(other.epochs_, nullptr)), version_(other.version_) {}
    Write& operator=(Write&&) = delete;
    ~Write() {
      if (epochs_ != nullptr) epochs_->leave(version_);
    }
    // Of the layout that it began under; what it sends goes by this one or a later one.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

   private:
    WriteEpochs* epochs_;
    std::uint64_t version_;
  };

  // A write under the layout that `board` shows. It is looked at under the lock: once the board
  // shows a version and drained() has said yes to it, no write begins under an older one.
  Write begin(const membership::ViewBoard& board) {
    std::lock_guard lock(mutex_);
    return enter(board.current()->layout.version);
  }
  // `version`: of the layout that the write begins under.
  Write begin(std::uint64_t version) {
    std::lock_guard lock(mutex_);
    return enter(version);
  }
  // Whether no write is at work that began under a layout older than `version`.
  [[nodiscard]] bool drained(std::uint64_t version) const {
    std::lock_guard lock(mutex_);
    return running_.empty() || running_.begin()->first >= version;
  }

 private:
  Write enter(std::uint64_t version) {
    ++running_[version];
    return {*this, version};
  }
  void leave(std::uint64_t version) {
    std::lock_guard lock(mutex_);
    auto at = running_.find(version);
    if (--at->second == 0) running_.erase(at);
  }

  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::uint64_t> running_;  // version -> writes
};

}  // namespace mas::object
