#include <algorithm>
#include <cstring>

#include "codec/reed_solomon.h"
#include "codec/shard_format.h"
#include "codec/shard_header.h"
#include "codec/units.h"
#include "mas/codec/hash.h"
#include "mas/codec/stripe.h"
#include "mas/core/xxh3.h"

namespace mas::codec {
namespace {

// Block sums of each shard; those of copies are the same and computed once.
using BlockSums = std::vector<std::vector<Sum128>>;

Result<void> check_arguments(const Buffer& plain, std::size_t size, const EncodeOptions& options,
                             ByteView manifest) {
  const Profile& profile = options.profile;
  if (profile.k == 0 || profile.width() > format::kMaxWidth) {
    return Error(Code::invalid_argument, "The erasure profile is out of range.");
  }
  if (size == 0 || size > kMaxStripe || size > plain.capacity()) {
    return Error(Code::invalid_argument, "The stripe's size is out of range.");
  }
  if (options.unit == 0 || format::unit_count(size, options.unit) > kMaxUnits) {
    return Error(Code::invalid_argument, "The stripe has too many units.");
  }
  if (manifest.size() > kMaxManifest) {
    return Error(Code::invalid_argument, "The manifest does not fit a shard header.");
  }
  return {};
}

// Makes room for `padded` bytes behind the first `size` and clears what is between.
Buffer pad(Buffer buffer, std::size_t size, std::size_t padded, BufferPool* buffers) {
  if (buffer.capacity() < padded) {
    Buffer larger = take_buffer(buffers, padded);
    std::memcpy(larger.data(), buffer.data(), size);
    buffer = std::move(larger);
  }
  std::memset(buffer.data() + size, 0, padded - size);
  return buffer;
}

// Parity and sums of one block of every shard at a time, while it is in the cache.
BlockSums code_and_sum(const Profile& profile, std::span<const std::uint8_t* const> data,
                       std::span<std::uint8_t* const> parity, std::size_t length) {
  BlockSums sums(data.size() + parity.size());
  for (auto& shard : sums) shard.reserve(format::block_count(length));
  std::vector<const std::uint8_t*> from(data.size());
  std::vector<std::uint8_t*> to(parity.size());
  for (std::size_t at = 0; at < length; at += kChecksumBlock) {
    std::size_t piece = std::min(kChecksumBlock, length - at);
    for (std::size_t i = 0; i < data.size(); ++i) from[i] = data[i] + at;
    for (std::size_t i = 0; i < parity.size(); ++i) to[i] = parity[i] + at;
    if (!parity.empty()) multiply(coding_matrix(profile), from, to, piece);
    for (std::size_t i = 0; i < data.size(); ++i) sums[i].push_back(xxh3_128({from[i], piece}));
    for (std::size_t i = 0; i < parity.size(); ++i) {
      sums[data.size() + i].push_back(xxh3_128({to[i], piece}));
    }
  }
  return sums;
}

// The shards' data and their block sums. With k = 1 every parity row is 1: the shards are copies.
struct Coded {
  std::vector<Slice> data;
  BlockSums sums;
};

Coded code(const Profile& profile, Buffer joined, std::size_t length, BufferPool* buffers) {
  const std::size_t k = profile.k;
  const std::size_t m = profile.k == 1 ? 0 : profile.m;
  Buffer parity = m == 0 ? Buffer() : take_buffer(buffers, m * length);
  std::vector<const std::uint8_t*> from;
  std::vector<std::uint8_t*> to;
  for (std::size_t i = 0; i < k; ++i) from.push_back(joined.data() + i * length);
  for (std::size_t i = 0; i < m; ++i) to.push_back(parity.data() + i * length);

  Coded coded;
  coded.sums = code_and_sum(profile, from, to, length);
  Slice data = std::move(joined).freeze(k * length);
  for (std::size_t i = 0; i < k; ++i) coded.data.push_back(data.sub(i * length, length));
  if (m != 0) {
    Slice rest = std::move(parity).freeze(m * length);
    for (std::size_t i = 0; i < m; ++i) coded.data.push_back(rest.sub(i * length, length));
  }
  coded.data.resize(profile.width(), coded.data.front());
  coded.sums.resize(profile.width(), coded.sums.front());
  return coded;
}

}  // namespace

Result<EncodedStripe> encode(const StripeId& id, Buffer plain, std::size_t size,
                             const EncodeOptions& options, ByteView manifest) {
  MAS_CHECK(check_arguments(plain, size, options, manifest));
  const Profile& profile = options.profile;
  ShardHeader header;
  header.stripe = id;
  header.profile = profile;
  header.plain_size = static_cast<std::uint32_t>(size);
  header.manifest = as_text(manifest);
  header.units =
      join_units(plain.bytes().first(size), std::min(options.unit, size), options.compress);
  std::size_t joined = header.unit_offset(header.units.size());
  std::size_t length = format::data_size(joined, profile.k);
  header.joined_size = static_cast<std::uint32_t>(joined);
  header.data_size = static_cast<std::uint32_t>(length);
  header.header_size =
      static_cast<std::uint32_t>(format::header_size(header.units.size(), length, manifest.size()));

  Buffer padded = pad(std::move(plain), joined, profile.k * length, options.buffers);
  Coded coded = code(profile, std::move(padded), length, options.buffers);
  EncodedStripe stripe;
  for (int number = 0; number < profile.width(); ++number) {
    header.shard = static_cast<std::uint8_t>(number);
    header.block_sums = std::move(coded.sums[number]);
    stripe.shards.push_back({write_header(header), std::move(coded.data[number])});
  }
  return stripe;
}

Result<EncodedShard> rebuild_record(const ShardHeader& any, int number, Slice data) {
  if (number < 0 || number >= any.profile.width() || data.size() != any.data_size) {
    return Error(Code::invalid_argument, "The shard does not belong to this stripe.");
  }
  ShardHeader header = any;
  header.shard = static_cast<std::uint8_t>(number);
  header.block_sums = sum_blocks(data.view());
  Slice bytes = write_header(header);
  return EncodedShard{std::move(bytes), std::move(data)};
}

}  // namespace mas::codec
