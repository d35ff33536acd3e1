// What Beast's parsers make of a head: the start line's parts and the fields, syntax checked.
#pragma once

#include <string>

#include "http/head_scan.h"
#include "mas/http/message.h"

namespace mas::http {

struct RawHead {
  std::string method;  // of a request
  std::string target;  // of a request
  int status = 0;      // of a response
  int minor_version = 1;
  Headers headers;
};

// `text` is a whole head that HeadScan let pass. Errors: parameter_malformed, body_unreadable
// (Content-Length or Transfer-Encoding that contradict themselves).
[[nodiscard]] Result<RawHead> parse_raw_request(ByteView text, const HeadLimits& limits);
[[nodiscard]] Result<RawHead> parse_raw_response(ByteView text, const HeadLimits& limits);

}  // namespace mas::http
