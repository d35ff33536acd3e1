#include "app/bench/content.h"

#include <algorithm>
#include <cstring>

namespace mas::app {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that passes for random.
std::uint64_t mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15u;

}  // namespace

Content::Content(std::uint64_t seed, std::uint64_t object)
    : base_(mix(mix(seed + kStep) ^ (object * kStep))) {}

std::uint64_t Content::word(std::uint64_t index) const noexcept {
  return mix(base_ + index * kStep);
}

void Content::fill(std::uint64_t offset, MutableBytes out) const {
  std::uint64_t index = offset / 8;
  std::size_t at = 0;
  for (; at + 8 <= out.size(); at += 8, ++index) {
    std::uint64_t value = word(index);
    std::memcpy(out.data() + at, &value, 8);
  }
  if (at < out.size()) {
    std::uint64_t value = word(index);
    std::memcpy(out.data() + at, &value, out.size() - at);
  }
}

bool Content::matches(std::uint64_t offset, ByteView bytes) const {
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::uint64_t position = offset + at;
    std::uint64_t value = word(position / 8);
    std::size_t skip = position % 8;
    std::size_t length = std::min<std::size_t>(8 - skip, bytes.size() - at);
    if (std::memcmp(reinterpret_cast<const char*>(&value) + skip, bytes.data() + at, length) != 0) {
      return false;
    }
    at += length;
  }
  return true;
}

Task<Result<std::size_t>> ContentSource::read(MutableBytes into) {
  std::uint64_t left = size_ - at_;
  std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left, into.size()));
  // Whole words, so that the next piece starts at one.
  if (count < left && count >= 8) count -= count % 8;
  if (at_ % 8 == 0 && (count % 8 == 0 || count == left)) {
    content_.fill(at_, into.first(count));
  } else {
    std::uint64_t from = at_ - at_ % 8;
    std::vector<std::uint8_t> words(static_cast<std::size_t>(at_ - from) + count);
    content_.fill(from, words);
    std::memcpy(into.data(), words.data() + (at_ - from), count);
  }
  at_ += count;
  co_return count;
}

}  // namespace mas::app
