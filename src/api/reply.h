// What an endpoint gives back: the envelope's fields, or a body that is not an envelope.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "mas/core/result.h"
#include "mas/http/message.h"

namespace mas::api {

struct Reply {
  int status = 200;
  Code code = Code::ok;
  std::string message;
  boost::json::value data;  // null unless a call says otherwise
  http::Headers headers;    // beside those that every answer has

  // A body that is sent as it stands, with its Content-Type, instead of the envelope.
  struct Raw {
    std::string content_type;
    std::string body;
  };
  std::optional<Raw> raw;
  // The endpoint has sent its answer itself (a download).
  bool sent = false;
};

// 200 with `data`.
[[nodiscard]] Reply success(boost::json::value data);
// The answer to `error`: status, wire code, the headers that go with the code. Errors that are not
// part of the wire contract become 5000 with a sentence that gives nothing away.
[[nodiscard]] Reply failure(const Error& error);

// {"status", "code", "msg", "data"}.
[[nodiscard]] std::string envelope(const Reply& reply);

// Head and body of `reply`, without the CORS headers. (Mas-Request-Id, nosniff and Referrer-Policy
// are on every answer of the server, so it adds them itself.)
struct Rendered {
  http::ResponseHead head;
  std::string body;
};
[[nodiscard]] Rendered render(Reply reply);

}  // namespace mas::api
