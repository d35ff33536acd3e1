// Heads in text to heads in structs, with everything checked that decides how the body is framed.
#pragma once

#include <cstdint>
#include <optional>

#include "http/head_scan.h"
#include "mas/http/message.h"

namespace mas::http {

// How the rest of the message is to be read.
struct BodyFraming {
  bool chunked = false;
  std::optional<std::uint64_t> length;  // Content-Length
};

struct ParsedRequest {
  RequestHead head;  // without client_address and request_id
  BodyFraming body;
  bool keep_alive = true;
  bool expects_continue = false;
};

struct ParsedResponse {
  ResponseHead head;
  BodyFraming body;
  bool keep_alive = true;
};

// `text` is a whole head that HeadScan let pass.
// Errors: parameter_malformed (syntax, version, Host, target), body_unreadable (Content-Length,
// both it and Transfer-Encoding), not_implemented (other codings than chunked), expectation_failed.
[[nodiscard]] Result<ParsedRequest> parse_request_head(ByteView text, const HeadLimits& limits);

// Errors: corrupt.
[[nodiscard]] Result<ParsedResponse> parse_response_head(ByteView text, const HeadLimits& limits);

}  // namespace mas::http
