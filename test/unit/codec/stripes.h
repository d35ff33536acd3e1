// Material for the stripe tests: bytes of several kinds, and the way back from shards to a stripe.
#pragma once

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "mas/codec/stripe.h"

namespace mas::codec::test {

enum class Kind { noise, text, mixed, zeros };

// `size` bytes that LZ4 cannot shrink, can, or can in every second 4 KiB (mixed).
inline std::string make_bytes(Kind kind, std::size_t size, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bool noisy = kind == Kind::noise || (kind == Kind::mixed && (i / 4096) % 2 == 1);
    if (noisy) {
      bytes[i] = static_cast<char>(random());
    } else if (kind != Kind::zeros) {
      bytes[i] = "the quick brown fox "[i % 20];
    }
  }
  return bytes;
}

// `spare`: capacity asked for beyond the bytes.
inline Buffer buffer_of(std::string_view bytes, std::size_t spare = 0) {
  Buffer buffer = Buffer::allocate(bytes.size() + spare);
  std::memset(buffer.data(), 0xee, buffer.capacity());
  std::memcpy(buffer.data(), bytes.data(), bytes.size());
  return buffer;
}

inline StripeId some_stripe() {
  StripeId id;
  for (std::size_t i = 0; i < id.extent.bytes.size(); ++i) {
    id.extent.bytes[i] = static_cast<std::uint8_t>(i + 1);
  }
  id.number = 7;
  return id;
}

inline EncodedStripe encode_bytes(std::string_view bytes, const EncodeOptions& options,
                                  std::string_view manifest = {}) {
  Buffer buffer = buffer_of(bytes, options.profile.k * kBlockSize);
  return encode(some_stripe(), std::move(buffer), bytes.size(), options, as_bytes(manifest))
      .value();
}

inline EncodeOptions options_of(int k, int m, std::size_t unit = 256 * 1024) {
  EncodeOptions options;
  options.profile = {static_cast<std::uint8_t>(k), static_cast<std::uint8_t>(m)};
  options.unit = unit;
  return options;
}

// Every unit decoded from the data shards, or the first error.
inline Result<std::string> decode_all(const ShardHeader& header, const std::vector<Slice>& data) {
  std::string joined;
  for (int i = 0; i < header.profile.k; ++i) joined.append(as_text(data[i].view()));
  std::string plain(header.plain_size, '\0');
  std::size_t at = 0;
  for (std::size_t i = 0; i < header.units.size(); ++i) {
    ByteView stored = as_bytes(joined).subspan(header.unit_offset(i), header.units[i].stored);
    MutableBytes out(reinterpret_cast<std::uint8_t*>(plain.data()) + at, header.units[i].plain);
    MAS_CHECK(decode_unit(header, i, stored, out));
    at += header.units[i].plain;
  }
  return plain;
}

// Parses and verifies every shard, forgets those in `lost`, rebuilds them all, and decodes.
inline Result<std::string> read_back(const EncodedStripe& stripe,
                                     const std::vector<int>& lost = {}) {
  MAS_TRY(ShardHeader header, parse_header(stripe.shards[0].header.view()));
  std::vector<Slice> have;
  for (std::size_t i = 0; i < stripe.shards.size(); ++i) {
    MAS_TRY(ShardHeader own, parse_header(stripe.shards[i].header.view()));
    MAS_CHECK(verify_blocks(own, 0, stripe.shards[i].data.view()));
    have.push_back(stripe.shards[i].data);
  }
  for (int i : lost) have[i] = Slice();
  MAS_CHECK(reconstruct(header.profile, have, lost));
  for (int i : lost) {
    MAS_TRY(EncodedShard again, rebuild_record(header, i, have[i]));
    const EncodedShard& before = stripe.shards[i];
    if (as_text(again.header.view()) != as_text(before.header.view()) ||
        as_text(again.data.view()) != as_text(before.data.view())) {
      return Error(Code::corrupt, "the rebuilt shard differs");
    }
  }
  return decode_all(header, have);
}

}  // namespace mas::codec::test
