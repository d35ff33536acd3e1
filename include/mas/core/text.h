// ASCII text: compared without case, numbers of a fixed width, times of day.
#pragma once

#include <algorithm>
#include <ctime>
#include <string>
#include <string_view>

namespace mas {

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

// Appends `value`, which is not negative, with zeros before it up to `width` digits.
inline void append_padded(std::string& out, int value, std::size_t width) {
  std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

// Appends HH:MM:SS; strftime would do the same in a way that depends on the locale.
inline void append_time(std::string& out, const std::tm& parts) {
  append_padded(out, parts.tm_hour, 2);
  out += ':';
  append_padded(out, parts.tm_min, 2);
  out += ':';
  append_padded(out, parts.tm_sec, 2);
}

}  // namespace mas
