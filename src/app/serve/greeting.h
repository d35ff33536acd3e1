// The first lines on standard output: where mas listens, and a command that shows it works.
#pragma once

#include <string>
#include <string_view>

namespace mas::app {

// A word of sh that means exactly `text`.
[[nodiscard]] std::string shell_quote(std::string_view text);

// The address a client on this machine can connect to: wildcard hosts become loopback ones.
[[nodiscard]] std::string reachable(std::string_view bound_address);

struct Greeting {
  std::string address;      // bound, "host:port"
  std::string token_file;   // where the system token lies
  std::string certificate;  // of TLS; "" without
};
// Two lines, each ended: "mas 0.2.0 listening on http://127.0.0.1:7080" and a curl command that
// works as printed in the directory mas was started in. It reads the token from its file.
[[nodiscard]] std::string greeting_text(const Greeting& greeting);

}  // namespace mas::app
