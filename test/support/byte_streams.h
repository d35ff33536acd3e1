// Bodies in memory: a source that gives bytes in pieces and may break off, a sink that keeps what
// it is given and may refuse more.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "mas/runtime/byte_stream.h"
#include "mas/runtime/sync.h"

namespace mas::test {

class MemorySource final : public ByteSource {
 public:
  // At most `piece` bytes a read.
  explicit MemorySource(std::string bytes, std::size_t piece = 100'000)
      : bytes_(std::move(bytes)), piece_(piece) {}

  // After `good` bytes every read fails, as when a client has gone.
  void break_off(std::size_t good) { good_ = good; }
  // Called once, before the read that begins at or after byte `at`.
  void when(std::size_t at, std::function<Task<void>()> action) {
    at_ = at;
    action_ = std::move(action);
  }

  Task<Result<std::size_t>> read(MutableBytes into) override {
    ++reads_;
    if (action_ && position_ >= at_) {
      std::function<Task<void>()> action = std::move(action_);
      action_ = nullptr;
      co_await action();
    }
    if (position_ >= good_) co_return Error(Code::body_unreadable, "The client has gone.");
    std::size_t size =
        std::min({into.size(), bytes_.size() - position_, piece_, good_ - position_});
    if (size > 0) std::memcpy(into.data(), bytes_.data() + position_, size);
    position_ += size;
    co_return size;
  }

  [[nodiscard]] std::size_t reads() const noexcept { return reads_; }
  [[nodiscard]] std::size_t position() const noexcept { return position_; }

 private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t position_ = 0;
  std::size_t reads_ = 0;
  std::size_t good_ = std::numeric_limits<std::size_t>::max();
  std::size_t at_ = 0;
  std::function<Task<void>()> action_;
};

class MemorySink final : public ByteSink {
 public:
  // Once `limit` bytes are taken, writes fail.
  explicit MemorySink(std::size_t limit = std::numeric_limits<std::size_t>::max())
      : limit_(limit) {}

  Task<Result<void>> write(std::span<const Slice> pieces) override {
    for (const Slice& piece : pieces) bytes_.append(as_text(piece.view()));
    ++writes_;
    if (bytes_.size() > limit_) co_return Error(Code::closed, "The client has gone.");
    co_return Result<void>();
  }

  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t writes() const noexcept { return writes_; }

 private:
  std::size_t limit_;
  std::string bytes_;
  std::size_t writes_ = 0;
};

}  // namespace mas::test
