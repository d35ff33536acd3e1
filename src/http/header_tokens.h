// Small pieces of header syntax: names without case, lists of tokens, trimming.
#pragma once

#include <string_view>

#include "mas/core/text.h"

namespace mas::http {

// Without spaces and tabs at both ends.
[[nodiscard]] constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t";
  std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Takes the next element off the front of a comma-separated list (no quoted strings).
[[nodiscard]] constexpr std::string_view next_list_item(std::string_view& list) noexcept {
  std::size_t comma = list.find(',');
  std::string_view item = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return trim_blanks(item);
}

// tchar of RFC 9110.
[[nodiscard]] constexpr bool is_token_char(char c) noexcept {
  if ((c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace mas::http
