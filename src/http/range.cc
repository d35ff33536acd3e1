#include "mas/http/range.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "http/header_tokens.h"

namespace mas::http {
namespace {

// Takes the digits off the front of `text`; numbers beyond 64 bits become the largest.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::size_t digits = 0;
  std::uint64_t value = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    auto digit = static_cast<std::uint64_t>(text[digits] - '0');
    value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

constexpr ByteRange kUnsatisfiable{ByteRange::Kind::unsatisfiable, 0, 0};

ByteRange suffix_range(std::string_view text, std::uint64_t size) {
  auto length = take_number(text);
  if (!length || !text.empty()) return {};
  if (*length == 0) return kUnsatisfiable;
  // The last bytes of nothing are nothing: an empty 206 cannot be written.
  if (size == 0) return {};
  std::uint64_t taken = std::min(*length, size);
  return {ByteRange::Kind::part, size - taken, taken};
}

}  // namespace

ByteRange select_range(std::string_view range_header, std::uint64_t size) {
  std::size_t equals = range_header.find('=');
  if (equals == std::string_view::npos) return {};
  if (!equal_ignoring_case(trim_blanks(range_header.substr(0, equals)), "bytes")) return {};
  std::string_view spec = trim_blanks(range_header.substr(equals + 1));
  if (!spec.empty() && spec.front() == '-') return suffix_range(spec.substr(1), size);

  auto first = take_number(spec);
  if (!first || spec.empty() || spec.front() != '-') return {};
  spec.remove_prefix(1);
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  if (!spec.empty()) {
    auto given = take_number(spec);
    if (!given || !spec.empty() || *given < *first) return {};
    last = *given;
  }
  if (*first >= size) return kUnsatisfiable;
  return {ByteRange::Kind::part, *first, std::min(last, size - 1) - *first + 1};
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
  auto opaque = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
  std::string_view rest = trim_blanks(if_none_match);
  if (rest == "*") return true;
  while (!rest.empty()) {
    if (rest.front() == ',' || rest.front() == ' ' || rest.front() == '\t') {
      rest.remove_prefix(1);
      continue;
    }
    rest = opaque(rest);
    if (rest.empty() || rest.front() != '"') return false;
    std::size_t close = rest.find('"', 1);
    if (close == std::string_view::npos) return false;
    if (rest.substr(0, close + 1) == opaque(etag)) return true;
    rest.remove_prefix(close + 1);
  }
  return false;
}

}  // namespace mas::http
