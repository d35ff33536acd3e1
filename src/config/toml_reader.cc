#include "config/toml_reader.h"

#include <algorithm>
#include <sstream>
#include <toml.hpp>

#include "config/text.h"
#include "mas/config/config.h"
#include "mas/core/utf8.h"

namespace mas::config {
namespace {

struct Located {
  std::uint_least32_t line = 0;
  std::uint_least32_t column = 0;
  Entry entry;
};

std::string place(std::string_view origin, std::uint_least32_t line) {
  return std::string(origin) + ":" + std::to_string(line);
}

Value convert(const toml::value& value) {
  switch (value.type()) {
    case toml::value_t::string:
      return value.as_string().str;
    case toml::value_t::integer:
      return static_cast<std::int64_t>(value.as_integer());
    case toml::value_t::floating:
      return value.as_floating();
    case toml::value_t::boolean:
      return value.as_boolean();
    case toml::value_t::array: {
      std::vector<std::string> items;
      for (const toml::value& item : value.as_array()) {
        if (!item.is_string()) return Unusable{"a list of something else than texts"};
        items.push_back(item.as_string().str);
      }
      return items;
    }
    case toml::value_t::table:
      return Unusable{"a table"};
    default:
      return Unusable{"a date or time"};
  }
}

void flatten(const toml::value& value, const std::string& key, std::string_view origin,
             std::vector<Located>& out) {
  if (value.is_table() && (key.empty() || !value.as_table().empty())) {
    for (const auto& [name, inner] : value.as_table()) {
      flatten(inner, key.empty() ? name : key + "." + name, origin, out);
    }
    return;
  }
  toml::source_location at = value.location();
  out.push_back({at.line(), at.column(), {key, convert(value), place(origin, at.line())}});
}

// Refuses what toml11 does not survive: nesting without limit (it runs out of stack) and strings
// that are not UTF-8 (it reads past its buffer while it composes the message).
Result<void> check_shape(std::string_view text, std::string_view origin) {
  if (text.size() > kMaxFileBytes) {
    return Error(Code::invalid_argument, std::string(origin) + ": larger than 1 MiB");
  }
  std::size_t valid = utf8_valid_prefix(text);
  if (valid != text.size()) {
    auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(valid), '\n');
    return Error(Code::invalid_argument,
                 place(origin, static_cast<std::uint_least32_t>(line)) + ": not valid UTF-8");
  }
  std::size_t line = 1;
  std::size_t brackets = 0;
  std::size_t dots = 0;
  for (char c : text) {
    if (c == '\n') {
      ++line;
      dots = 0;
    }
    if (c == '[' || c == '{') ++brackets;
    if (c == '.') ++dots;
    if (brackets > kMaxBrackets || dots > kMaxDotsPerLine) {
      return Error(Code::invalid_argument,
                   place(origin, static_cast<std::uint_least32_t>(line)) +
                       (brackets > kMaxBrackets ? ": more than 256 brackets in one file"
                                                : ": more than 256 dots in one line"));
    }
  }
  return {};
}

// The first line of toml11's message, without its own prefixes.
std::string first_line(std::string_view message) {
  message = message.substr(0, message.find('\n'));
  for (std::string_view prefix : {"[error] ", "toml::"}) {
    if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
  }
  // What is left begins with the name of one of its functions: "parse_value: ...".
  std::size_t colon = message.find(": ");
  std::size_t space = message.find(' ');
  if (colon != std::string_view::npos && colon < space) message.remove_prefix(colon + 2);
  return printable(message, 200);
}

}  // namespace

Result<std::vector<Entry>> read_toml(std::string_view text, std::string_view origin) {
  MAS_CHECK(check_shape(text, origin));
  std::vector<Located> located;
  try {
    std::istringstream stream{std::string(text)};
    toml::value root = toml::parse(stream, std::string(origin));
    flatten(root, "", origin, located);
  } catch (const toml::exception& error) {
    return Error(Code::invalid_argument, place(origin, error.location().line()) +
                                             ": not valid TOML: " + first_line(error.what()));
  } catch (const std::exception& error) {
    return Error(Code::invalid_argument,
                 std::string(origin) + ": not valid TOML: " + first_line(error.what()));
  }
  // toml11 keeps tables unordered; people read errors from the top of the file.
  std::sort(located.begin(), located.end(), [](const Located& a, const Located& b) {
    return std::tie(a.line, a.column, a.entry.key) < std::tie(b.line, b.column, b.entry.key);
  });
  std::vector<Entry> entries;
  entries.reserve(located.size());
  for (Located& item : located) entries.push_back(std::move(item.entry));
  return entries;
}

}  // namespace mas::config
