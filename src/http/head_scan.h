// The first look at a head's bytes, before the parser: finds its end, bounds it, and refuses what
// parsers disagree on.
#pragma once

#include <optional>

#include "mas/core/bytes.h"
#include "mas/core/result.h"

namespace mas::http {

struct HeadLimits {
  std::size_t bytes = 16 * 1024;  // request line, fields and line ends
  std::size_t fields = 64;
};

// Fed with a growing prefix of the message; looks at each byte once.
class HeadScan {
 public:
  explicit HeadScan(HeadLimits limits) : limits_(limits) {}

  // The size of the head with its closing empty line, nullopt while that has not come. `bytes` is
  // all that came so far, from the first byte of the start line on.
  // Errors: uri_too_long, head_too_large; parameter_malformed: a control character, a line end that
  // is not CR LF, a folded field.
  [[nodiscard]] Result<std::optional<std::size_t>> scan(ByteView bytes);

 private:
  [[nodiscard]] Result<void> check_line(ByteView line) const;
  [[nodiscard]] Error too_large() const;

  HeadLimits limits_;
  std::size_t line_start_ = 0;
  std::size_t searched_ = 0;
  std::size_t lines_ = 0;
};

}  // namespace mas::http
