// Structured logs: an event name, fields, one line. Text on a terminal, JSON otherwise. The only
// global of mas.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "mas/core/result.h"

namespace mas::log {

enum class Level { trace, debug, info, warn, error };

// One key and value. Values are written as given: never pass tokens, keys or URLs with a query.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), is_number(true) {}
  template <class T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) Field(std::string_view k, T v)
      : key(k), value(std::to_string(v)), is_number(true) {}
  // Code name and message of an error.
  Field(std::string_view k, const Error& e);

  std::string key;
  std::string value;
  bool is_number = false;
};

struct Options {
  Level level = Level::info;
  bool json = false;
};

// Call once in main; before that, and in tests, warnings and errors go to stderr as text.
void set_up(const Options& options);
[[nodiscard]] bool enabled(Level level) noexcept;
[[nodiscard]] bool parse_level(std::string_view text, Level& level) noexcept;
void flush();

void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  if (enabled(Level::debug)) write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

// At most one line per `key` and minute; returns whether this one may be written.
[[nodiscard]] bool once_a_minute(std::string_view key);

}  // namespace mas::log
