// The kinds of keys: how each reads a Value, which range it takes, and how it is printed in TOML.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "config/value.h"
#include "mas/config/config.h"

namespace mas::config {

// Where in the Config a key's value lies.
template <class T>
using Access = T& (*)(Config&);

struct TextField {
  Access<std::string> at;
  // What is wrong with the text, "" for nothing.
  std::string (*problem)(const std::string&) = nullptr;
};
struct ListField {
  Access<std::vector<std::string>> at;
  std::string (*problem)(const std::vector<std::string>&) = nullptr;
};
struct CountField {
  Access<std::uint32_t> at;
  std::uint32_t min;
  std::uint32_t max;
};
struct SizeField {
  Access<std::uint64_t> at;
  std::uint64_t min;
  std::uint64_t max;
};
// A size small enough for 32 bits.
struct SmallSizeField {
  Access<std::uint32_t> at;
  std::uint32_t min;
  std::uint32_t max;
};
struct DurationField {
  Access<Duration> at;
  Duration min;
  Duration max;
};
// A share: 0.05 is 5 %.
struct ShareField {
  Access<double> at;
  double min;
  double max;
};
struct SwitchField {
  Access<bool> at;
};

using Field = std::variant<TextField, ListField, CountField, SizeField, SmallSizeField,
                           DurationField, ShareField, SwitchField>;

// Sets the field of `config` from `value`. Errors (invalid_argument): wrong type, bad unit, out of
// range; the message says what is expected and begins neither with key nor origin.
Result<void> set_field(const Field& field, Config& config, const Value& value);

// The field's value as it stands in TOML: "\"10 s\"", "4096", "[\"a\"]".
[[nodiscard]] std::string print_field(const Field& field, const Config& config);

}  // namespace mas::config
