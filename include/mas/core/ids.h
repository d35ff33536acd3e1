// The names of things: content hashes, random 128-bit ids, and the key of a shard or manifest
// record.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mas/core/bytes.h"

namespace mas {

// The SHA-256 of an object's content: its name.
struct Hash {
  std::array<std::uint8_t, 32> bytes{};

  // 64 hex digits of either case; nullopt for anything else.
  [[nodiscard]] static std::optional<Hash> parse(std::string_view text);
  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  friend auto operator<=>(const Hash&, const Hash&) = default;
};

// 128 random bits: extents, uploads, volumes, incarnations, requests.
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] static std::optional<Id128> parse(std::string_view text);
  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  [[nodiscard]] bool is_zero() const noexcept;
  friend auto operator<=>(const Id128&, const Id128&) = default;
};

// An XXH3-128 checksum in canonical (big-endian) byte order.
struct Sum128 {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Sum128&, const Sum128&) = default;
};

// Splits data into k shards and adds m of parity. "1+0" is one plain copy.
struct Profile {
  std::uint8_t k = 1;
  std::uint8_t m = 0;

  [[nodiscard]] int width() const noexcept { return k + m; }
  // "4+2"; k from 1, k + m at most 16. nullopt for anything else.
  [[nodiscard]] static std::optional<Profile> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const Profile&, const Profile&) = default;
};

enum class RecordKind : std::uint8_t { shard = 1, manifest = 2 };

// What a record in the store is found by.
//   shard:    id = extent id (16 bytes) followed by zeros, major = stripe number, minor = shard
//   number manifest: id = object hash, major = generation, minor = copy number
struct RecordKey {
  RecordKind kind = RecordKind::shard;
  std::array<std::uint8_t, 32> id{};
  std::uint64_t major = 0;
  std::uint16_t minor = 0;

  [[nodiscard]] static RecordKey shard(const Id128& extent, std::uint64_t stripe,
                                       std::uint16_t number);
  [[nodiscard]] static RecordKey manifest(const Hash& hash, std::uint64_t generation,
                                          std::uint16_t number);
  [[nodiscard]] Id128 extent() const;  // of a shard key
  [[nodiscard]] Hash hash() const;     // of a manifest key

  static constexpr std::size_t kEncodedSize = 43;
  using Encoded = std::array<std::uint8_t, kEncodedSize>;
  // kind, id, major, minor, integers big-endian: byte order is key order, an extent's shards are
  // neighbours in stripe order.
  [[nodiscard]] Encoded encode() const;
  [[nodiscard]] static std::optional<RecordKey> decode(ByteView bytes);
  friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
};

}  // namespace mas

template <>
struct std::hash<mas::Hash> {
  std::size_t operator()(const mas::Hash& value) const noexcept;
};
template <>
struct std::hash<mas::Id128> {
  std::size_t operator()(const mas::Id128& id) const noexcept;
};
template <>
struct std::hash<mas::RecordKey> {
  std::size_t operator()(const mas::RecordKey& key) const noexcept;
};
