// Content for benchmarks: any byte of any object from a seed, neither compressible nor repeated.
#pragma once

#include <cstdint>

#include "mas/core/bytes.h"
#include "mas/runtime/byte_stream.h"

namespace mas::app {

// Object number `object` of run `seed`. Word i is a mix of (seed, object, i), so that any piece can
// be made, and compared, without those before it.
class Content {
 public:
  Content(std::uint64_t seed, std::uint64_t object);

  // The bytes from `offset` (a multiple of 8) on.
  void fill(std::uint64_t offset, MutableBytes out) const;
  // Whether `bytes` are those at `offset` (any).
  [[nodiscard]] bool matches(std::uint64_t offset, ByteView bytes) const;

 private:
  [[nodiscard]] std::uint64_t word(std::uint64_t index) const noexcept;
  std::uint64_t base_;
};

// `size` bytes of a Content as a request's body.
class ContentSource final : public ByteSource {
 public:
  ContentSource(const Content& content, std::uint64_t size) : content_(content), size_(size) {}
  Task<Result<std::size_t>> read(MutableBytes into) override;

 private:
  const Content& content_;
  std::uint64_t size_;
  std::uint64_t at_ = 0;
};

}  // namespace mas::app
