// Range requests: RFC 9110, section 14, for one range; and If-Range.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mas::http {

struct ByteRange {
  enum class Kind { whole, part, unsatisfiable };
  Kind kind = Kind::whole;
  std::uint64_t first = 0;   // of `part`
  std::uint64_t length = 0;  // of `part`, at least 1
};

// What to send of `size` bytes. No, several or malformed ranges, or another unit: whole.
[[nodiscard]] ByteRange select_range(std::string_view range_header, std::uint64_t size);

// Whether `if_none_match` (a list of ETags or "*") names `etag` (weak comparison).
[[nodiscard]] bool matches_etag(std::string_view if_none_match, std::string_view etag);

// `attachment; filename="..."; filename*=UTF-8''...` (RFC 6266); never lets a control character or
// quote out.
[[nodiscard]] std::string content_disposition(std::string_view kind, std::string_view name);

// "Sun, 22 Nov 2026 17:00:00 GMT" from Unix seconds.
[[nodiscard]] std::string http_date(std::int64_t unix_seconds);

}  // namespace mas::http
