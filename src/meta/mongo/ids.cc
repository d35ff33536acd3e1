#include "meta/mongo/ids.h"

#include "mas/core/bytes.h"

namespace mas::meta::mongo {

std::string id_of(std::string_view key) {
  return std::string(key.substr(0, 1)) + "/" + to_hex(as_bytes(key.substr(1)));
}

std::string key_of(std::string_view id) {
  if (id.size() < 2 || id.size() % 2 != 0) return {};
  std::string key(id.size() / 2, id[0]);
  MutableBytes rest(reinterpret_cast<std::uint8_t*>(key.data()) + 1, key.size() - 1);
  return from_hex(id.substr(2), rest) ? key : std::string();
}

std::string intent_id(std::string_view lock) { return "t/" + std::string(lock); }
std::string lock_of(std::string_view intent_id) { return std::string(intent_id.substr(2)); }

}  // namespace mas::meta::mongo
