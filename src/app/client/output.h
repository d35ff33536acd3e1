// Text for people and scripts: printable names, tables, checksum lines, dates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mas/core/error.h"

namespace mas::app {

// `text` with control characters and bytes that are not UTF-8 as \xNN, so that a name from
// elsewhere cannot move the terminal's cursor.
[[nodiscard]] std::string printable(std::string_view text);

// Rows with their columns aligned to the left, two spaces between; the last column is not padded.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

// "2026-11-22 14:03:07" UTC.
[[nodiscard]] std::string date_text(std::int64_t unix_seconds);

// The form of sha256sum: "HASH  PATH\n"; a path with a line break or backslash is escaped and the
// line starts with a backslash.
[[nodiscard]] std::string checksum_line(std::string_view hash, std::string_view path);
// The reverse, for one line without its end: (hash, path); both empty if it is not such a line.
[[nodiscard]] std::pair<std::string, std::string> parse_checksum_line(std::string_view line);

// {"error":{"code":...,"message":...}} for --json.
[[nodiscard]] std::string error_json(const Error& error);

}  // namespace mas::app
