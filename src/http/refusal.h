// Tells a client that there are too many connections, instead of only hanging up.
#pragma once

#include <memory>
#include <string>

#include "mas/net/connection.h"

namespace mas::http {

// Sends `answer` (head and body) and ends the connection, all within a few seconds. The watchdog of
// `connection` runs beside it, and is stopped at the end.
Task<void> refuse_connection(std::shared_ptr<net::Connection> connection, std::string answer);

// How far ahead the watchdog of such a connection looks.
inline constexpr Duration kRefusalTimeout = std::chrono::seconds(1);

}  // namespace mas::http
