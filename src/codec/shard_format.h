// The bytes of a shard's header, version 1: doc/stripe-format.md.
//
//   ShardPrefix | unit sums | block sums | stored lengths of the units | manifest | zeros | sum
//
// Every length follows from the prefix, so a prefix that passes its checks fixes where each part
// lies.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "mas/codec/stripe.h"

namespace mas::codec::format {

inline constexpr std::array<std::uint8_t, 4> kMagic = {'M', 'S', 'H', 'D'};
inline constexpr std::uint16_t kVersion = 1;
inline constexpr int kMaxWidth = 16;

struct ShardPrefix {
  std::array<std::uint8_t, 4> magic;
  std::uint16_t version;
  std::uint8_t k;
  std::uint8_t m;
  std::uint8_t shard;
  std::uint8_t reserved;  // 0
  std::uint16_t unit_count;
  std::uint32_t header_size;
  std::array<std::uint8_t, 16> extent;
  std::uint64_t stripe;
  std::uint32_t plain_size;
  std::uint32_t joined_size;
  std::uint32_t data_size;
  std::uint32_t unit_size;  // plain bytes of the first unit
  std::uint32_t manifest_size;
  std::uint32_t check;  // low half of XXH3-64 of the bytes before it
};

static_assert(sizeof(ShardPrefix) == kHeaderPrefix);
static_assert(offsetof(ShardPrefix, header_size) == 12);
static_assert(offsetof(ShardPrefix, extent) == 16);
static_assert(offsetof(ShardPrefix, stripe) == 32);
static_assert(offsetof(ShardPrefix, plain_size) == 40);
static_assert(offsetof(ShardPrefix, check) == 60);
static_assert(std::has_unique_object_representations_v<ShardPrefix>);
static_assert(std::is_trivially_copyable_v<ShardPrefix>);

inline constexpr std::size_t kSumSize = sizeof(Sum128);
inline constexpr std::size_t kSmallRounding = 64;  // shard lengths Jerasure can work on
static_assert(kSumSize == 16);

// Shards this long are padded to whole blocks, and so are their headers.
[[nodiscard]] constexpr bool is_large(std::uint64_t unpadded) { return unpadded >= kChecksumBlock; }

// Length of each of the k data shards of `joined` bytes, padding included.
[[nodiscard]] constexpr std::uint64_t data_size(std::uint64_t joined, unsigned k) {
  std::uint64_t unpadded = (joined + k - 1) / k;
  if (is_large(unpadded)) return round_up(unpadded, kBlockSize);
  return k == 1 ? unpadded : round_up(unpadded, kSmallRounding);
}

[[nodiscard]] constexpr std::size_t block_count(std::uint64_t data) {
  return static_cast<std::size_t>((data + kChecksumBlock - 1) / kChecksumBlock);
}

[[nodiscard]] constexpr std::size_t unit_count(std::uint64_t plain, std::uint64_t unit) {
  return static_cast<std::size_t>((plain + unit - 1) / unit);
}

[[nodiscard]] constexpr std::size_t header_size(std::size_t units, std::uint64_t data,
                                                std::size_t manifest) {
  std::size_t bytes = sizeof(ShardPrefix) + units * (kSumSize + sizeof(std::uint32_t)) +
                      block_count(data) * kSumSize + manifest + kSumSize;
  return round_up(bytes, is_large(data) ? kBlockSize : 8);
}

// The largest header there can be: what a reader has to hold before anything was verified.
inline constexpr std::size_t kMaxHeader = header_size(kMaxUnits, kMaxStripe, kMaxManifest);
static_assert(kMaxHeader <= 64 * 1024);

}  // namespace mas::codec::format
