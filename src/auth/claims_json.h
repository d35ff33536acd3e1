// Claims as the JSON inside a token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mas/auth/tokens.h"

namespace mas::auth {

[[nodiscard]] std::string to_json(const Claims& claims, std::string_view kid);

struct ParsedClaims {
  Claims claims;
  std::string kid;
};
// nullopt for anything that is not version 1 with exactly the fields it knows.
[[nodiscard]] std::optional<ParsedClaims> parse_claims(std::string_view json);

}  // namespace mas::auth
