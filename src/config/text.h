// Text for error lines: one line whatever the input holds, and the nearest of the known names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mas::config {

// `text` with control characters and bytes over 0x7E escaped, cut with "..." after `limit` bytes.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 80);
// The same in double quotes.
[[nodiscard]] std::string quote(std::string_view text);
// A TOML basic string that means exactly `text`.
[[nodiscard]] std::string toml_string(std::string_view text);

// Least number of single-character changes, insertions, removals and swaps of neighbours that make
// `b` of `a`. Time is the product of the lengths.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace mas::config
