// Content-Digest (RFC 9530): the SHA-256 a client gives along with a part.
#pragma once

#include <optional>
#include <string_view>

#include "mas/core/ids.h"
#include "mas/core/result.h"

namespace mas::api {

// The sha-256 member of a Content-Digest field: `sha-256=:<base64>:`, other algorithms beside it
// are passed over. Errors: parameter_malformed, also if there is no sha-256: a digest that was sent
// is never left unchecked.
[[nodiscard]] Result<Hash> parse_content_digest(std::string_view field);

// Strict base64 with padding of exactly 32 bytes; nullopt for anything else.
[[nodiscard]] std::optional<Hash> decode_base64_hash(std::string_view text);

}  // namespace mas::api
