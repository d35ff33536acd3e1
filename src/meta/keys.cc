#include "meta/keys.h"

#include <cstring>

#include "mas/core/result.h"

namespace mas::meta::keys {
namespace {

template <class T>
void big_endian(std::string& key, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>(value >> shift));
  }
}

// Order of signed numbers as order of bytes.
void time(std::string& key, std::int64_t seconds) {
  big_endian(key, static_cast<std::uint64_t>(seconds) ^ (std::uint64_t{1} << 63));
}

template <std::size_t N>
std::string with(char kind, const std::array<std::uint8_t, N>& bytes) {
  std::string key(1, kind);
  key.append(as_text(bytes));
  return key;
}

template <class Name>
Name trailing(std::string_view key) {
  Name name;
  MAS_ASSERT(key.size() >= name.bytes.size());
  std::memcpy(name.bytes.data(), key.data() + key.size() - name.bytes.size(), name.bytes.size());
  return name;
}

}  // namespace

std::string begin(char kind) { return std::string(1, kind); }
std::string end(char kind) { return std::string(1, static_cast<char>(kind + 1)); }

std::string object(const Hash& hash) { return with(kObject, hash.bytes); }

std::string condemned(std::int64_t at, const Hash& hash) {
  std::string key(1, kCondemned);
  time(key, at);
  key.append(as_text(hash.bytes));
  return key;
}

std::string released(std::uint64_t sequence, const Hash& hash) {
  std::string key(1, kReleased);
  big_endian(key, sequence);
  key.append(as_text(hash.bytes));
  return key;
}

std::string upload(const Id128& id) { return with(kUpload, id.bytes); }

std::string session(const Hash& hash, std::string_view session) {
  std::string key = with(kSession, hash.bytes);
  key.append(session);
  return key;
}

std::string sealed(const Id128& id) { return with(kSealed, id.bytes); }

std::string part(const Id128& upload, std::uint32_t number) {
  std::string key = with(kPart, upload.bytes);
  big_endian(key, number);
  return key;
}

std::string freed(std::uint64_t sequence) {
  std::string key(1, kFreed);
  big_endian(key, sequence);
  return key;
}

std::string owner(const Id128& extent) { return with(kOwner, extent.bytes); }
std::string counter(std::string_view name) { return begin(kCounter).append(name); }
std::string collected(std::string_view slot) { return begin(kCollected).append(slot); }
std::string acknowledged(std::string_view member) { return begin(kAcknowledged).append(member); }

Hash trailing_hash(std::string_view key) { return trailing<Hash>(key); }
Id128 trailing_id(std::string_view key) { return trailing<Id128>(key); }

}  // namespace mas::meta::keys
