// Ids of documents: the letter of a key of meta/keys.h, a slash, and the rest of it in hex, so that
// their order is that of the keys.
#pragma once

#include <string>
#include <string_view>

namespace mas::meta::mongo {

[[nodiscard]] std::string id_of(std::string_view key);
// The key of an id that id_of() made; "" for others.
[[nodiscard]] std::string key_of(std::string_view id);
// The document of the intent that `lock` belongs to, and back.
[[nodiscard]] std::string intent_id(std::string_view lock);
[[nodiscard]] std::string lock_of(std::string_view intent_id);

inline constexpr const char* kIntentsBegin = "t/";
inline constexpr const char* kIntentsEnd = "t0";

}  // namespace mas::meta::mongo
