// The table of keys: the one place that knows them all, in the order of the struct.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/field.h"

namespace mas::config {

struct Key {
  std::string_view name;  // "http.listen"
  Field field;
  std::string_view doc;  // one line; the first comment line of the key in conf/mas.toml
};

[[nodiscard]] std::span<const Key> keys();
// nullptr if there is none.
[[nodiscard]] const Key* find_key(std::string_view name);
// Whether some key's name begins with "section.".
[[nodiscard]] bool is_section(std::string_view name);
// The known key that takes the fewest edits to get to from `name`.
[[nodiscard]] std::string_view nearest_key(std::string_view name);

// "http.listen" -> "MAS_HTTP_LISTEN".
[[nodiscard]] std::string environment_name(std::string_view key);
// Names starting with MAS_ that are no keys and yet no mistakes: the command line's own, and what
// Kubernetes puts into pods beside a service whose name is or begins with "mas"
// (MAS_SERVICE_HOST, MAS_PORT_7080_TCP_ADDR, MAS_HEADLESS_SERVICE_PORT_HTTP).
[[nodiscard]] bool is_foreign_environment(std::string_view name);

}  // namespace mas::config
