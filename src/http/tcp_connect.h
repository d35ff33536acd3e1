// From a host name to a connected socket.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "mas/core/result.h"
#include "mas/runtime/clock.h"

namespace mas::http {

// Tries the host's addresses in turn, `timeout` for all. Errors: timeout, closed.
Task<Result<boost::asio::ip::tcp::socket>> connect_tcp(std::string host, std::string port,
                                                       Clock& clock, Duration timeout);

}  // namespace mas::http
