// Where a broker is and who asks, out of an amqp:// or amqps:// URL.
#pragma once

#include <string>
#include <string_view>

#include "mas/core/result.h"

namespace mas::membership {

struct AmqpTarget {
  bool tls = false;
  std::string host;  // a name or an address, IPv6 without its brackets
  int port = 0;
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
};

// "amqp[s]://[USER[:PASSWORD]@]HOST[:PORT][/VHOST]", user, password and vhost percent-encoded. The
// port is 5672, with TLS 5671; the vhost is "/" where the URL has none or ends in "/".
// Errors: invalid_argument; the message never holds the URL, which may hold a password.
[[nodiscard]] Result<AmqpTarget> parse_amqp_url(std::string_view text);

}  // namespace mas::membership
