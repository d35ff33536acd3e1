// PausingSource: a ByteSource over text whose sender pauses at given places, and which notices
// when it is waited for though another source had promised to wait for nobody.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "mas/runtime/byte_stream.h"

namespace mas::test {

class PausingSource final : public ByteSource {
 public:
  // `pauses`: rising offsets before which nothing more has come yet.
  PausingSource(std::string text, std::vector<std::size_t> pauses)
      : text_(std::move(text)), pauses_(std::move(pauses)) {
    pauses_.push_back(text_.size());
  }

  Task<Result<std::size_t>> read(MutableBytes into) override {
    while (at_ >= pauses_.front() && pauses_.size() > 1) {
      ++waits_;
      pauses_.erase(pauses_.begin());
    }
    const std::size_t size = std::min(into.size(), pauses_.front() - at_);
    std::copy_n(text_.data() + at_, size, into.data());
    at_ += size;
    co_return size;
  }
  [[nodiscard]] bool ready() override { return at_ < pauses_.front() || pauses_.size() == 1; }
  // How often the sender was waited for.
  [[nodiscard]] std::size_t waits() const noexcept { return waits_; }

 private:
  std::string text_;
  std::vector<std::size_t> pauses_;
  std::size_t at_ = 0;
  std::size_t waits_ = 0;
};

// What `reader`, which reads `source`, gives. Whenever it is ready its read() must not wait.
inline Task<Result<std::string>> read_promised(ByteSource& reader, PausingSource& source,
                                               std::size_t into, std::size_t& promised) {
  std::string memory(into, '\0');
  std::string all;
  while (true) {
    const bool ready = reader.ready();
    const std::size_t before = source.waits();
    MutableBytes bytes(reinterpret_cast<std::uint8_t*>(memory.data()), memory.size());
    MAS_CO_TRY(std::size_t size, co_await reader.read(bytes));
    if (ready) {
      ++promised;
      CHECK(source.waits() == before);
    }
    if (size == 0) co_return all;
    all += memory.substr(0, size);
  }
}

}  // namespace mas::test
