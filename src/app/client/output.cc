#include "app/client/output.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ctime>

#include "mas/core/ids.h"
#include "mas/core/utf8.h"

namespace mas::app {
namespace {

constexpr char kHex[] = "0123456789abcdef";

bool is_control(std::string_view piece) {
  auto first = static_cast<unsigned char>(piece[0]);
  if (piece.size() == 1) return first < 0x20 || first == 0x7F;
  return piece.size() == 2 && first == 0xC2 && static_cast<unsigned char>(piece[1]) < 0xA0;
}

// Characters, not bytes; wide ones count as one.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = utf8_sequence(text, at);
    std::string_view piece = text.substr(at, std::max<std::size_t>(length, 1));
    if (length == 0 || is_control(piece)) {
      for (char c : piece) {
        out += "\\x";
        out += kHex[static_cast<unsigned char>(c) >> 4];
        out += kHex[c & 0x0F];
      }
    } else {
      out += piece;
    }
    at += piece.size();
  }
  return out;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
  }
  return out;
}

std::string date_text(std::int64_t unix_seconds) {
  std::time_t time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return "-";
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::string checksum_line(std::string_view hash, std::string_view path) {
  std::string escaped;
  for (char c : path) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == '\r') {
      escaped += "\\r";
    } else {
      escaped += c;
    }
  }
  std::string line = escaped.size() == path.size() ? "" : "\\";
  return line + std::string(hash) + "  " + escaped + "\n";
}

std::pair<std::string, std::string> parse_checksum_line(std::string_view line) {
  bool escaped = line.starts_with('\\');
  if (escaped) line.remove_prefix(1);
  if (line.size() < 67 || !Hash::parse(line.substr(0, 64)) || line[64] != ' ' ||
      (line[65] != ' ' && line[65] != '*')) {
    return {};
  }
  std::string_view rest = line.substr(66);
  std::string path;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (!escaped || rest[i] != '\\') {
      path += rest[i];
      continue;
    }
    char next = i + 1 < rest.size() ? rest[++i] : '\0';
    if (next != '\\' && next != 'n' && next != 'r') return {};
    path += next == 'n' ? '\n' : next == 'r' ? '\r' : '\\';
  }
  return {std::string(line.substr(0, 64)), path};
}

std::string error_json(const Error& error) {
  boost::json::object inner;
  inner["code"] = wire_code(error.code());
  inner["name"] = code_name(error.code());
  inner["message"] = error.message();
  boost::json::object outer;
  outer["error"] = std::move(inner);
  return boost::json::serialize(outer);
}

}  // namespace mas::app
