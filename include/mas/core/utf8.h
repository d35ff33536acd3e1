// Walking text that claims to be UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace mas {

// Length (1 to 4) of the well-formed UTF-8 sequence (RFC 3629) that starts at text[at]; 0 if there
// is none. `at` is below text.size().
[[nodiscard]] std::size_t utf8_sequence(std::string_view text, std::size_t at) noexcept;

// The offset of the first byte that is no part of a well-formed sequence, or text.size().
[[nodiscard]] std::size_t utf8_valid_prefix(std::string_view text) noexcept;

}  // namespace mas
