// TOML text to a flat list of entries. The only user of toml11, whose headers take long to compile.
#pragma once

#include <string_view>
#include <vector>

#include "config/value.h"
#include "mas/core/result.h"

namespace mas::config {

// toml11 recurses on every bracket, brace and dotted key without a limit of its own.
inline constexpr std::size_t kMaxBrackets = 256;
inline constexpr std::size_t kMaxDotsPerLine = 256;

// Entries in the order of the file; keys are dotted ("http.listen"), origins are "origin:line". An
// empty table gives one entry of type "a table" with the table's own name. Errors
// (invalid_argument): too large or too deep, not TOML; one line that starts with "origin:line: ".
[[nodiscard]] Result<std::vector<Entry>> read_toml(std::string_view text, std::string_view origin);

}  // namespace mas::config
