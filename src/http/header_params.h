// The parameters of a header's value: `; name=value; name="quoted value"`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mas::http {

struct HeaderValue {
  std::string_view value;                                       // what stands before the first ';'
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case

  // nullopt if it is missing, or there twice.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

// In quoted strings \" is a quote and \\ a backslash; any other backslash is itself, as in the file
// names some browsers send. nullopt if malformed. The result points into `text`.
[[nodiscard]] std::optional<HeaderValue> parse_header_value(std::string_view text);

}  // namespace mas::http
