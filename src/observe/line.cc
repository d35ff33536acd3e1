#include "observe/line.h"

#include <cctype>
#include <ctime>

#include "mas/core/text.h"
#include "mas/core/utf8.h"

namespace mas::log {
namespace {

using std::chrono::milliseconds;

// Seconds and the milliseconds beyond them.
std::pair<std::time_t, int> split(std::chrono::system_clock::time_point at) {
  auto millis = std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
  auto rest = static_cast<int>(((millis % 1000) + 1000) % 1000);
  return {static_cast<std::time_t>((millis - rest) / 1000), rest};
}

void append_clock(std::string& out, const std::tm& parts, int millis) {
  append_time(out, parts);
  out += '.';
  append_padded(out, millis, 3);
}

constexpr char kHex[] = "0123456789abcdef";

// The escapes JSON and the text form share; false if `c` needs none.
bool append_common_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return true;
    case '\\':
      out += "\\\\";
      return true;
    case '\n':
      out += "\\n";
      return true;
    case '\r':
      out += "\\r";
      return true;
    case '\t':
      out += "\\t";
      return true;
    default:
      return false;
  }
}

bool is_control(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = utf8_sequence(text, at);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++at;
      continue;
    }
    char c = text[at];
    if (length == 1 && append_common_escape(out, c)) {
      // done
    } else if (length == 1 && is_control(c)) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[c & 0x0F];
    } else {
      out.append(text, at, length);
    }
    at += length;
  }
  out += '"';
}

// C1 controls (U+0080 to U+009F) move a terminal's cursor as well as C0 ones do.
bool is_c1(std::string_view text, std::size_t at, std::size_t length) {
  return length == 2 && static_cast<unsigned char>(text[at]) == 0xC2 &&
         static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

void append_hex_escapes(std::string& out, std::string_view bytes) {
  for (char c : bytes) {
    out += "\\x";
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[c & 0x0F];
  }
}

void append_quoted_text(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = utf8_sequence(text, at);
    std::size_t step = length == 0 ? 1 : length;
    std::string_view piece = text.substr(at, step);
    if (length == 1 && append_common_escape(out, text[at])) {
      // done
    } else if (length == 0 || is_c1(text, at, length) || (length == 1 && is_control(text[at]))) {
      append_hex_escapes(out, piece);
    } else {
      out += piece;
    }
    at += step;
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

// Whether JSON may hold this as it stands: true, false, or a number as std::to_string writes it.
bool is_json_literal(std::string_view text) {
  if (text == "true" || text == "false") return true;
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  bool digits = false;
  for (char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0 && c != '.') return false;
    digits = true;
  }
  return digits;
}

// Lines wait for their reader in memory: no value, wherever it came from, makes one very long. A
// character cut in two is escaped as other bad bytes are.
constexpr std::size_t kLongestValue = 4096;
std::string_view bounded(const Field& field) {
  return std::string_view(field.value).substr(0, kLongestValue);
}

}  // namespace

std::string_view level_name(Level level) noexcept {
  switch (level) {
    case Level::trace:
      return "trace";
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string text_line(const Line& line) {
  auto [whole, millis] = split(line.at);
  std::tm parts{};
  localtime_r(&whole, &parts);
  std::string out;
  out.reserve(128);
  append_clock(out, parts, millis);
  out += ' ';
  std::string_view level = level_name(line.level);
  out += level;
  out.append(6 - level.size(), ' ');
  out += line.event;
  for (const Field& field : line.fields) {
    out += ' ';
    out += field.key;
    out += '=';
    const std::string_view value = bounded(field);
    if (is_plain(value)) {
      out += value;
    } else {
      append_quoted_text(out, value);
    }
  }
  return out;
}

std::string json_line(const Line& line) {
  auto [whole, millis] = split(line.at);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::string out;
  out.reserve(192);
  out += R"({"time":")";
  append_padded(out, parts.tm_year + 1900, 4);
  out += '-';
  append_padded(out, parts.tm_mon + 1, 2);
  out += '-';
  append_padded(out, parts.tm_mday, 2);
  out += 'T';
  append_clock(out, parts, millis);
  out += R"(Z","level":")";
  out += level_name(line.level);
  out += R"(","event":)";
  append_json_string(out, line.event);
  for (const Field& field : line.fields) {
    out += ',';
    append_json_string(out, field.key);
    out += ':';
    const std::string_view value = bounded(field);
    if (field.is_number && is_json_literal(value)) {
      out += value;
    } else {
      append_json_string(out, value);
    }
  }
  out += '}';
  return out;
}

}  // namespace mas::log
