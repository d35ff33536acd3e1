// Sizes and durations as people write them: "64 KiB", "5TiB", "10 s", "24h".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "mas/core/result.h"

namespace mas {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;

using Duration = std::chrono::nanoseconds;

// Digits, optional fraction-free space, and a unit: B, KiB, MiB, GiB, TiB, or KB, MB, GB, TB
// (powers of 1000). A bare number is bytes. Errors: invalid_argument (malformed, unknown unit, over
// 2^63).
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
// Digits and a unit: ms, s, m (or min), h, d. "0" needs no unit. Errors: invalid_argument.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

// The shortest exact form: 4194304 -> "4 MiB", 1000 -> "1000 B".
[[nodiscard]] std::string format_size(std::uint64_t bytes);
// For people: one decimal and the fitting binary unit, e.g. "1.4 GiB".
[[nodiscard]] std::string describe_size(std::uint64_t bytes);
// The shortest exact form: 90 s -> "90 s", 3600 s -> "1 h".
[[nodiscard]] std::string format_duration(Duration duration);

// Decimal digits only, no sign, no space; nullopt-like error on overflow or anything else.
[[nodiscard]] Result<std::uint64_t> parse_u64(std::string_view text);

}  // namespace mas
