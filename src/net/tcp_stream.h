// A Stream over a TCP socket.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "mas/net/stream.h"

namespace mas::net {

// Sets TCP_NODELAY and non-blocking mode.
[[nodiscard]] std::unique_ptr<Stream> make_tcp_stream(boost::asio::ip::tcp::socket socket);

// Whether nothing waits to be read from the socket, not even its end.
[[nodiscard]] bool is_quiet(boost::asio::ip::tcp::socket& socket);

// The Error of a failed socket operation.
[[nodiscard]] Error socket_error(const boost::system::error_code& error);

}  // namespace mas::net
