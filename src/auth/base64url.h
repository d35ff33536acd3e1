// base64url without padding (RFC 4648, section 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mas::auth {

[[nodiscard]] std::string to_base64url(std::string_view bytes);
// nullopt for anything to_base64url does not write: padding, other characters, left-over bits.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace mas::auth
