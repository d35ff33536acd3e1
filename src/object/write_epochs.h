// Which layouts the writes at work began under, so that a pod acknowledges a layout only when no
// write is left that began under an older one.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

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

   private:
    WriteEpochs* epochs_;
    std::uint64_t version_;
  };

  // `version`: of the layout that the write begins under.
  Write begin(std::uint64_t version) {
    std::lock_guard lock(mutex_);
    ++running_[version];
    return {*this, version};
  }
  // Whether no write is at work that began under a layout older than `version`.
  [[nodiscard]] bool drained(std::uint64_t version) const {
    std::lock_guard lock(mutex_);
    return running_.empty() || running_.begin()->first >= version;
  }

 private:
  void leave(std::uint64_t version) {
    std::lock_guard lock(mutex_);
    auto at = running_.find(version);
    if (--at->second == 0) running_.erase(at);
  }

  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::uint64_t> running_;  // version -> writes
};

}  // namespace mas::object
