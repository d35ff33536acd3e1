#include "http/header_params.h"

#include <algorithm>

#include "http/header_tokens.h"

namespace mas::http {
namespace {

// Takes a token or quoted string off the front of `text`.
std::optional<std::string> take_value(std::string_view& text) {
  std::string out;
  if (text.empty() || text.front() != '"') {
    // Wider than a token: file names without quotes occur.
    std::size_t size = std::min(text.find_first_of("; \t\""), text.size());
    out = text.substr(0, size);
    text.remove_prefix(size);
    if (out.empty()) return std::nullopt;
    return out;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return out;
    }
    bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escape) ++i;
    out.push_back(text[i]);
  }
  return std::nullopt;
}

std::string take_name(std::string_view& text) {
  std::string name;
  while (!text.empty() && is_token_char(text.front())) {
    name.push_back(to_lower(text.front()));
    text.remove_prefix(1);
  }
  return name;
}

}  // namespace

std::optional<std::string_view> HeaderValue::parameter(std::string_view name) const {
  auto same = [name](const auto& parameter) { return parameter.first == name; };
  if (std::ranges::count_if(parameters, same) != 1) return std::nullopt;
  return std::ranges::find_if(parameters, same)->second;
}

std::optional<HeaderValue> parse_header_value(std::string_view text) {
  HeaderValue header;
  std::size_t end = std::min(text.find(';'), text.size());
  header.value = trim_blanks(text.substr(0, end));
  text = trim_blanks(text.substr(end));
  while (!text.empty()) {
    if (text.front() != ';') return std::nullopt;
    text = trim_blanks(text.substr(1));
    if (text.empty()) break;  // a ';' at the end is common and harmless
    std::string name = take_name(text);
    if (name.empty() || text.empty() || text.front() != '=') return std::nullopt;
    text.remove_prefix(1);
    auto value = take_value(text);
    if (!value) return std::nullopt;
    header.parameters.emplace_back(std::move(name), std::move(*value));
    text = trim_blanks(text);
  }
  return header;
}

}  // namespace mas::http
