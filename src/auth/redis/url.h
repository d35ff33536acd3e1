// Where the Redis server is and who we are to it: redis://[user:password@]host[:port][/db], or
// rediss:// for TLS.
#pragma once

#include <string>
#include <string_view>

#include "mas/core/result.h"

namespace mas::auth::redis {

struct Url {
  bool tls = false;
  std::string host;
  std::string port = "6379";
  std::string user;      // "": the default user
  std::string password;  // "": none is sent
  std::string database;  // digits; "": the first, without asking for it
};

// User and password are percent-decoded; the user may be left out ("redis://:password@host").
// Errors: invalid_argument; the message holds nothing of `text`, which may be secret.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace mas::auth::redis
