// The two digests tokens need, by OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mas::auth {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Digest sha256(std::string_view bytes);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace mas::auth
