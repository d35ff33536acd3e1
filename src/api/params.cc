#include "api/params.h"

#include <algorithm>
#include <array>
#include <vector>

#include "mas/core/units.h"

namespace mas::api {
namespace {

Error malformed(std::string message) {
  return Error(Code::parameter_malformed, std::move(message));
}

// The value of `name`, nullopt where it is absent or empty.
std::optional<std::string_view> value_of(const http::Query& query, std::string_view name) {
  auto value = query.get(name);
  return value && !value->empty() ? value : std::nullopt;
}

// Whether a segment between slashes (of either kind) is "..".
bool climbs(std::string_view name) {
  while (true) {
    std::size_t end = name.find_first_of("/\\");
    if (name.substr(0, end) == "..") return true;
    if (end == std::string_view::npos) return false;
    name.remove_prefix(end + 1);
  }
}

Result<void> check_text(std::string_view text, std::string_view what, std::size_t limit) {
  std::string name(what);
  if (text.size() > limit) {
    return malformed("The " + name + " is longer than " + std::to_string(limit) +
                     " bytes; use a shorter one.");
  }
  if (!http::is_valid_utf8(text)) return malformed("The " + name + " is not valid UTF-8.");
  if (has_control_character(text)) {
    return malformed("The " + name + " has a control character in it; leave it out.");
  }
  return {};
}

}  // namespace

Result<http::Query> parse_query(std::string_view raw_query, std::size_t most) {
  const auto separators = std::count(raw_query.begin(), raw_query.end(), '&');
  if (separators >= static_cast<std::ptrdiff_t>(most)) {
    return malformed("The query has more than " + std::to_string(most) +
                     " parameters; give only those that the call takes.");
  }
  MAS_TRY(auto query, http::Query::parse(raw_query));
  std::vector<std::string_view> names;
  names.reserve(query.all().size());
  for (const auto& [name, value] : query.all()) names.push_back(name);
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
    return malformed("A parameter stands twice in the query; give each one once.");
  }
  return query;
}

Result<void> refuse_doubled_headers(const http::Headers& headers) {
  static constexpr std::array<std::string_view, 6> kSingle{
      "token", "systemToken", "name", "Content-Type", "Content-Digest", "Content-Encoding"};
  for (std::string_view name : kSingle) {
    if (headers.count(name) > 1) {
      return malformed("The header " + std::string(name) + " stands twice; send it once.");
    }
  }
  return {};
}

Result<Hash> required_hash(const http::Query& query, std::string_view name) {
  MAS_TRY(auto hash, optional_hash(query, name));
  if (hash) return *hash;
  return Error(Code::parameter_missing, "The parameter " + std::string(name) +
                                            " is missing; give the SHA-256 of the file in hex.");
}

Result<std::optional<Hash>> optional_hash(const http::Query& query, std::string_view name) {
  auto text = value_of(query, name);
  if (!text) return std::optional<Hash>();
  auto hash = Hash::parse(*text);
  if (hash) return hash;
  return Error(Code::hash_malformed,
               "The " + std::string(name) + " must be a SHA-256: exactly 64 hex digits.");
}

Result<std::optional<std::uint64_t>> optional_number(const http::Query& query,
                                                     std::string_view name, std::uint64_t low,
                                                     std::uint64_t high) {
  auto text = query.get(name);
  if (!text) return std::optional<std::uint64_t>();
  auto number = parse_u64(*text);
  if (number.has_value() && *number >= low && *number <= high) return std::optional(*number);
  std::string range = high == UINT64_MAX
                          ? "from " + std::to_string(low) + " on"
                          : "from " + std::to_string(low) + " to " + std::to_string(high);
  return malformed("The parameter " + std::string(name) + " must be a whole number " + range +
                   ", in decimal digits.");
}

Result<std::optional<bool>> optional_flag(const http::Query& query, std::string_view name) {
  auto text = query.get(name);
  if (!text) return std::optional<bool>();
  if (*text == "0" || *text == "1") return std::optional<bool>(*text == "1");
  return malformed("The parameter " + std::string(name) + " must be 0 or 1.");
}

Result<std::string> optional_text(const http::Query& query, std::string_view name,
                                  std::size_t limit) {
  std::string text(query.get(name).value_or(""));
  MAS_CHECK(check_text(text, name, limit));
  return text;
}

Result<std::string> check_name(std::string_view name, std::size_t limit) {
  MAS_CHECK(check_text(name, "name", limit));
  if (climbs(name)) return malformed("The name has \"..\" as a part of a path; leave it out.");
  return std::string(name);
}

Result<std::string> stated_name(const http::Query& query, const http::Headers& headers,
                                std::size_t limit) {
  if (auto name = value_of(query, "name")) return check_name(*name, limit);
  auto header = headers.get("name");
  if (!header || header->empty()) return std::string();
  auto name = http::percent_decode(*header);
  if (!name) return malformed("The header name is not valid percent-encoding.");
  return check_name(*name, limit);
}

bool has_control_character(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    // U+0080 to U+009F.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      return true;
    }
  }
  return false;
}

}  // namespace mas::api
