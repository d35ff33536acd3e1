// What single values, and values together, must be. Each says what is wrong, "" for nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mas/config/config.h"

namespace mas::config {

using Texts = std::vector<std::string>;

[[nodiscard]] std::string name_problem(const std::string& name);
[[nodiscard]] std::string data_problem(const Texts& directories);
// "host:port"; IPv6 in brackets; the port from 0 to 65535.
[[nodiscard]] std::string listen_problem(const std::string& address);
[[nodiscard]] std::string optional_listen_problem(const std::string& address);
[[nodiscard]] std::string origin_problem(const std::string& origin);
[[nodiscard]] std::string origins_problem(const Texts& origins);
[[nodiscard]] std::string signing_keys_problem(const Texts& files);
[[nodiscard]] std::string erasure_problem(const std::string& profile);
[[nodiscard]] std::string log_level_problem(const std::string& level);
[[nodiscard]] std::string log_format_problem(const std::string& format);

// Two keys that do not fit together.
struct Conflict {
  std::string_view key;    // the one the message starts with
  std::string_view other;  // the one it refers to
  std::string problem;     // "" if there is no conflict
};
// The first conflict, or one with an empty problem.
[[nodiscard]] Conflict find_conflict(const Config& config);

}  // namespace mas::config
