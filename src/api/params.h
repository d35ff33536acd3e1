// Reading and checking what a request says in its query and headers. Every function answers 5204
// for a value that is missing and 5205 (a hash: 5402) for one that is malformed, in a sentence that
// names it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/http/message.h"

namespace mas::api {

// The query taken apart; more than `most` parameters, or a name that stands there twice, are
// malformed. This comes before any token is looked at, so its work is bounded.
[[nodiscard]] Result<http::Query> parse_query(std::string_view raw_query, std::size_t most);
// Headers that mean one thing must not come twice: tokens above all.
[[nodiscard]] Result<void> refuse_doubled_headers(const http::Headers& headers);

[[nodiscard]] Result<Hash> required_hash(const http::Query& query, std::string_view name);
// Absent or empty: nullopt.
[[nodiscard]] Result<std::optional<Hash>> optional_hash(const http::Query& query,
                                                        std::string_view name);
// Decimal digits from `low` to `high`. Absent: nullopt.
[[nodiscard]] Result<std::optional<std::uint64_t>> optional_number(const http::Query& query,
                                                                   std::string_view name,
                                                                   std::uint64_t low,
                                                                   std::uint64_t high);
// 0 or 1. Absent: nullopt.
[[nodiscard]] Result<std::optional<bool>> optional_flag(const http::Query& query,
                                                        std::string_view name);
// Text up to `limit` bytes of UTF-8 without control characters; absent: "".
[[nodiscard]] Result<std::string> optional_text(const http::Query& query, std::string_view name,
                                                std::size_t limit);

// A file's name: UTF-8, no control characters, at most `limit` bytes, no ".." between slashes. A
// name is never used as a path, but others may do so with what they download.
[[nodiscard]] Result<std::string> check_name(std::string_view name, std::size_t limit);
// The name out of the query, else the percent-encoded header `name`; "" if neither says.
[[nodiscard]] Result<std::string> stated_name(const http::Query& query,
                                              const http::Headers& headers, std::size_t limit);

// True if `text` has a C0 or C1 control character or DEL. `text` is valid UTF-8.
[[nodiscard]] bool has_control_character(std::string_view text) noexcept;

}  // namespace mas::api
