// A value as a source gives it, before it is known which key it is for.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace mas::config {

// From the environment or a flag, where everything is text: "8", "true", "a,b".
struct PlainText {
  std::string text;
};
// A TOML value of a type that no key takes; `type` names it ("a date", "a table").
struct Unusable {
  std::string type;
};

using Value = std::variant<PlainText, std::string, std::int64_t, double, bool,
                           std::vector<std::string>, Unusable>;

// A key, its value and where it stands ("mas.toml:12", "MAS_HTTP_LISTEN").
struct Entry {
  std::string key;
  Value value;
  std::string origin;
};

}  // namespace mas::config
