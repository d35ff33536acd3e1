// Walking text that claims to be UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace mas::log {

// Length (1 to 4) of the well-formed UTF-8 sequence (RFC 3629) that starts at text[at]; 0 if there
// is none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text, std::size_t at) noexcept;

}  // namespace mas::log
