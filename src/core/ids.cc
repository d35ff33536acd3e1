#include "mas/core/ids.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "mas/core/result.h"

namespace mas {
namespace {

void put_big_endian(std::uint8_t* out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    out[size - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

std::uint64_t get_big_endian(const std::uint8_t* in, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | in[i];
  return value;
}

// Hashes and random ids are evenly spread already: any eight bytes will do.
std::size_t first_word(const std::uint8_t* bytes) noexcept {
  std::size_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

}  // namespace

std::optional<Hash> Hash::parse(std::string_view text) {
  Hash hash;
  if (!from_hex(text, hash.bytes)) return std::nullopt;
  return hash;
}

std::optional<Id128> Id128::parse(std::string_view text) {
  Id128 id;
  if (!from_hex(text, id.bytes)) return std::nullopt;
  return id;
}

bool Id128::is_zero() const noexcept {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

std::optional<Profile> Profile::parse(std::string_view text) {
  unsigned k = 0;
  unsigned m = 0;
  const char* end = text.data() + text.size();
  auto [after_k, k_error] = std::from_chars(text.data(), end, k);
  if (k_error != std::errc() || after_k == end || *after_k != '+') return std::nullopt;
  auto [after_m, m_error] = std::from_chars(after_k + 1, end, m);
  if (m_error != std::errc() || after_m != end) return std::nullopt;
  if (k < 1 || k > 16 || m > 15 || k + m > 16) return std::nullopt;
  return Profile{static_cast<std::uint8_t>(k), static_cast<std::uint8_t>(m)};
}

std::string Profile::text() const { return std::to_string(k) + "+" + std::to_string(m); }

RecordKey RecordKey::shard(const Id128& extent, std::uint64_t stripe, std::uint16_t number) {
  RecordKey key;
  key.kind = RecordKind::shard;
  std::ranges::copy(extent.bytes, key.id.begin());
  key.major = stripe;
  key.minor = number;
  return key;
}

RecordKey RecordKey::manifest(const Hash& hash, std::uint64_t generation, std::uint16_t number) {
  return {RecordKind::manifest, hash.bytes, generation, number};
}

Id128 RecordKey::extent() const {
  MAS_ASSERT(kind == RecordKind::shard);
  Id128 extent;
  std::copy_n(id.begin(), extent.bytes.size(), extent.bytes.begin());
  return extent;
}

Hash RecordKey::hash() const {
  MAS_ASSERT(kind == RecordKind::manifest);
  return Hash{id};
}

RecordKey::Encoded RecordKey::encode() const {
  Encoded out{};
  out[0] = static_cast<std::uint8_t>(kind);
  std::ranges::copy(id, out.begin() + 1);
  put_big_endian(out.data() + 33, major, 8);
  put_big_endian(out.data() + 41, minor, 2);
  return out;
}

std::optional<RecordKey> RecordKey::decode(ByteView bytes) {
  if (bytes.size() != kEncodedSize) return std::nullopt;
  RecordKey key;
  key.kind = static_cast<RecordKind>(bytes[0]);
  if (key.kind != RecordKind::shard && key.kind != RecordKind::manifest) return std::nullopt;
  std::copy_n(bytes.begin() + 1, key.id.size(), key.id.begin());
  key.major = get_big_endian(bytes.data() + 33, 8);
  key.minor = static_cast<std::uint16_t>(get_big_endian(bytes.data() + 41, 2));
  return key;
}

}  // namespace mas

std::size_t std::hash<mas::Hash>::operator()(const mas::Hash& value) const noexcept {
  return mas::first_word(value.bytes.data());
}

std::size_t std::hash<mas::Id128>::operator()(const mas::Id128& id) const noexcept {
  return mas::first_word(id.bytes.data());
}

std::size_t std::hash<mas::RecordKey>::operator()(const mas::RecordKey& key) const noexcept {
  std::size_t mixed = key.major * 0x9e3779b97f4a7c15ULL + key.minor * 0xc2b2ae3d27d4eb4fULL;
  return mas::first_word(key.id.data()) ^ mixed ^ static_cast<std::size_t>(key.kind);
}
