// TextSource: a ByteSource over text in memory, in pieces of a chosen size.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "mas/runtime/byte_stream.h"

namespace mas::test {

class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text, std::size_t piece = SIZE_MAX)
      : text_(std::move(text)), piece_(piece) {}

  // The error that comes instead of the end.
  void fail_at_end(Error error) { failure_ = std::move(error); }

  Task<Result<std::size_t>> read(MutableBytes into) override {
    std::size_t size = std::min({into.size(), piece_, text_.size() - at_});
    if (size == 0 && failure_) co_return *failure_;
    std::copy_n(text_.data() + at_, size, into.data());
    at_ += size;
    co_return size;
  }
  [[nodiscard]] std::size_t taken() const noexcept { return at_; }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t at_ = 0;
  std::optional<Error> failure_;
};

}  // namespace mas::test
