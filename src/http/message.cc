#include "mas/http/message.h"

#include <algorithm>

#include "http/header_tokens.h"

namespace mas::http {

std::string_view method_name(Method method) noexcept {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "OTHER";
}

void Headers::set(std::string_view name, std::string value) {
  auto same = [name](const auto& field) { return equal_ignoring_case(field.first, name); };
  auto first = std::ranges::find_if(fields_, same);
  if (first == fields_.end()) {
    add(std::string(name), std::move(value));
    return;
  }
  first->second = std::move(value);
  fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [name](const auto& field) { return equal_ignoring_case(field.first, name); }));
}

std::optional<std::string_view> Query::get(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::size_t Query::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(pairs_, [name](const auto& pair) { return pair.first == name; }));
}

namespace {

Result<std::string> decode_component(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  auto decoded = percent_decode(spaced);
  if (!decoded || decoded->find('\0') != std::string::npos) {
    return Error(Code::parameter_malformed, "The query is not valid percent-encoding.");
  }
  return std::move(*decoded);
}

}  // namespace

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    std::size_t equals = pair.find('=');
    MAS_TRY(std::string name, decode_component(pair.substr(0, equals)));
    std::string value;
    if (equals != std::string_view::npos) {
      MAS_TRY(value, decode_component(pair.substr(equals + 1)));
    }
    query.pairs_.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

}  // namespace mas::http
