// Streams over TLS, server and client side.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "mas/net/stream.h"
#include "mas/net/tls.h"

namespace mas::net {

[[nodiscard]] std::unique_ptr<Stream> make_tls_server_stream(boost::asio::ip::tcp::socket socket,
                                                             TlsServer& server);

// The handshake verifies the server's certificate against `host`.
[[nodiscard]] std::unique_ptr<Stream> make_tls_client_stream(boost::asio::ip::tcp::socket socket,
                                                             TlsClient& client, std::string host);

}  // namespace mas::net
