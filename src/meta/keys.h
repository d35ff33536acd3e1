// The keys of the memory and embedded adapters: a letter, then fixed-width big-endian fields, so
// that byte order is the order in which things are walked. doc/metadata-format.md lists them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mas/core/ids.h"

namespace mas::meta::keys {

inline constexpr char kObject = 'o', kCondemned = 'c', kReleased = 'r', kUpload = 'u',
                      kSession = 's', kSealed = 'S', kPart = 'p', kFreed = 'f', kOwner = 'x',
                      kCounter = 'n', kCollected = 'g', kLayout = 'l', kAcknowledged = 'a',
                      kFormat = 'v';

// Keys of a kind lie in [begin(kind), end(kind)).
[[nodiscard]] std::string begin(char kind);
[[nodiscard]] std::string end(char kind);

[[nodiscard]] std::string object(const Hash& hash);
[[nodiscard]] std::string condemned(std::int64_t at, const Hash& hash);
[[nodiscard]] std::string released(std::uint64_t sequence, const Hash& hash);
[[nodiscard]] std::string upload(const Id128& id);
[[nodiscard]] std::string session(const Hash& hash, std::string_view session);
[[nodiscard]] std::string sealed(const Id128& id);
[[nodiscard]] std::string part(const Id128& upload, std::uint32_t number);
[[nodiscard]] std::string freed(std::uint64_t sequence);
[[nodiscard]] std::string owner(const Id128& extent);
[[nodiscard]] std::string counter(std::string_view name);
[[nodiscard]] std::string collected(std::string_view slot);
[[nodiscard]] std::string acknowledged(std::string_view member);

// The last 32 or 16 bytes of a key that ends in a hash or an id. The key must be that long.
[[nodiscard]] Hash trailing_hash(std::string_view key);
[[nodiscard]] Id128 trailing_id(std::string_view key);

}  // namespace mas::meta::keys
