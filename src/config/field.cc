#include "config/field.h"

#include <array>
#include <charconv>
#include <cmath>

#include "config/text.h"
#include "mas/core/units.h"

namespace mas::config {
namespace {

Error wrong(std::string message) { return {Code::invalid_argument, std::move(message)}; }

// The text of a value that has one: a TOML string or plain text.
const std::string* text_of(const Value& value) {
  if (const auto* plain = std::get_if<PlainText>(&value)) return &plain->text;
  return std::get_if<std::string>(&value);
}

// What kind of value this is, for "expected X, not Y".
std::string kind_of(const Value& value) {
  struct Name {
    std::string operator()(const PlainText& v) const { return quote(v.text); }
    std::string operator()(const std::string& v) const { return "the text " + quote(v); }
    std::string operator()(std::int64_t v) const { return "the number " + std::to_string(v); }
    std::string operator()(double) const { return "a number with a fraction"; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(const std::vector<std::string>&) const { return "a list"; }
    std::string operator()(const Unusable& v) const { return v.type; }
  };
  return std::visit(Name{}, value);
}

Error expected(std::string_view what, const Value& value) {
  return wrong("expected " + std::string(what) + ", not " + kind_of(value));
}

// Messages of the unit parsers are sentences that quote the text; here they end another sentence.
Error unit_error(const Error& error) {
  std::string message = printable(error.message(), 200);
  if (!message.empty() && message.back() == '.') message.pop_back();
  return wrong(message);
}

template <class T, class Print>
Result<void> check_range(T value, T min, T max, Print print) {
  if (value >= min && value <= max) return {};
  return wrong("must be from " + print(min) + " to " + print(max) + ", not " + print(value));
}

Result<std::uint64_t> read_count(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (*number < 0) return expected("a whole number that is not negative", value);
    return static_cast<std::uint64_t>(*number);
  }
  if (const auto* plain = std::get_if<PlainText>(&value)) {
    auto number = parse_u64(plain->text);
    if (number.has_value()) return *number;
  }
  return expected("a whole number", value);
}

Result<std::uint64_t> read_size(const Value& value) {
  if (std::holds_alternative<std::int64_t>(value)) return read_count(value);
  const std::string* text = text_of(value);
  if (text == nullptr) return expected("a size such as \"64 KiB\"", value);
  auto size = parse_size(*text);
  if (size.has_error()) return unit_error(size.error());
  return *size;
}

std::string print_u64(std::uint64_t value) { return std::to_string(value); }

std::string print_share(double value) {
  std::array<char, 32> digits{};
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  std::string text(digits.data(), end);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string print_list(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const std::string& item : items) {
    if (text.size() > 1) text += ", ";
    text += toml_string(item);
  }
  return text + "]";
}

// Comma-separated; spaces around an item are dropped; "" is the empty list.
std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

struct Setter {
  Config& config;
  const Value& value;

  Result<void> operator()(const TextField& field) const {
    const std::string* text = text_of(value);
    if (text == nullptr) return expected("a text in quotes", value);
    if (text->find('\0') != std::string::npos) return wrong("must not contain a zero byte");
    if (field.problem != nullptr) {
      std::string problem = field.problem(*text);
      if (!problem.empty()) return wrong(problem);
    }
    field.at(config) = *text;
    return {};
  }
  Result<void> operator()(const ListField& field) const {
    std::vector<std::string> items;
    if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      items = *list;
    } else if (const auto* plain = std::get_if<PlainText>(&value)) {
      items = split_list(plain->text);
    } else {
      return expected("a list such as [\"a\", \"b\"]", value);
    }
    for (const std::string& item : items) {
      if (item.empty()) return wrong("must not contain an empty text");
      if (item.find('\0') != std::string::npos) return wrong("must not contain a zero byte");
    }
    if (field.problem != nullptr) {
      std::string problem = field.problem(items);
      if (!problem.empty()) return wrong(problem);
    }
    field.at(config) = std::move(items);
    return {};
  }
  Result<void> operator()(const CountField& field) const {
    MAS_TRY(std::uint64_t count, read_count(value));
    MAS_CHECK(check_range<std::uint64_t>(count, field.min, field.max, print_u64));
    field.at(config) = static_cast<std::uint32_t>(count);
    return {};
  }
  Result<void> operator()(const SizeField& field) const {
    MAS_TRY(std::uint64_t size, read_size(value));
    MAS_CHECK(check_range<std::uint64_t>(size, field.min, field.max, format_size));
    field.at(config) = size;
    return {};
  }
  Result<void> operator()(const SmallSizeField& field) const {
    MAS_TRY(std::uint64_t size, read_size(value));
    MAS_CHECK(check_range<std::uint64_t>(size, field.min, field.max, format_size));
    field.at(config) = static_cast<std::uint32_t>(size);
    return {};
  }
  Result<void> operator()(const DurationField& field) const {
    const std::string* text = text_of(value);
    if (text == nullptr) return expected("a duration such as \"10 s\"", value);
    auto duration = parse_duration(*text);
    if (duration.has_error()) return unit_error(duration.error());
    MAS_CHECK(check_range<Duration>(*duration, field.min, field.max, format_duration));
    field.at(config) = *duration;
    return {};
  }
  Result<void> operator()(const ShareField& field) const {
    double share = 0;
    if (const auto* number = std::get_if<double>(&value)) {
      share = *number;
    } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      share = static_cast<double>(*whole);
    } else if (const auto* plain = std::get_if<PlainText>(&value)) {
      const char* end = plain->text.data() + plain->text.size();
      auto [after, error] = std::from_chars(plain->text.data(), end, share);
      if (error != std::errc() || after != end) return expected("a number such as 0.05", value);
    } else {
      return expected("a number such as 0.05", value);
    }
    if (!std::isfinite(share)) return wrong("must be a finite number");
    MAS_CHECK(check_range<double>(share, field.min, field.max, print_share));
    field.at(config) = share;
    return {};
  }
  Result<void> operator()(const SwitchField& field) const {
    if (const auto* on = std::get_if<bool>(&value)) {
      field.at(config) = *on;
      return {};
    }
    const auto* plain = std::get_if<PlainText>(&value);
    if (plain == nullptr || (plain->text != "true" && plain->text != "false")) {
      return expected("true or false", value);
    }
    field.at(config) = plain->text == "true";
    return {};
  }
};

struct Printer {
  // Access gives a reference that may be written; printing only reads.
  Config& config;

  std::string operator()(const TextField& f) const { return toml_string(f.at(config)); }
  std::string operator()(const ListField& f) const { return print_list(f.at(config)); }
  std::string operator()(const CountField& f) const { return std::to_string(f.at(config)); }
  std::string operator()(const SizeField& f) const {
    return toml_string(format_size(f.at(config)));
  }
  std::string operator()(const SmallSizeField& f) const {
    return toml_string(format_size(f.at(config)));
  }
  std::string operator()(const DurationField& f) const {
    return toml_string(format_duration(f.at(config)));
  }
  std::string operator()(const ShareField& f) const { return print_share(f.at(config)); }
  std::string operator()(const SwitchField& f) const { return f.at(config) ? "true" : "false"; }
};

}  // namespace

Result<void> set_field(const Field& field, Config& config, const Value& value) {
  return std::visit(Setter{config, value}, field);
}

std::string print_field(const Field& field, const Config& config) {
  Config copy = config;
  return std::visit(Printer{copy}, field);
}

}  // namespace mas::config
