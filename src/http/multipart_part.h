// The headers of one part of a multipart/form-data body.
#pragma once

#include <string>
#include <string_view>

#include "mas/core/result.h"

namespace mas::http {

struct PartHead {
  std::string name;
  std::string filename;  // base name only; "" if none was given
};

// `text`: the part's header lines, CR LF between them, none at the end.
// Errors: body_unreadable (malformed, not form-data, no name, an encoding that changes the bytes).
[[nodiscard]] Result<PartHead> parse_part_head(std::string_view text);

// What follows the last '/' or '\'.
[[nodiscard]] std::string_view base_name(std::string_view path) noexcept;

}  // namespace mas::http
