// A server's stream that is TLS or plain, as the first byte says.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "mas/net/stream.h"
#include "mas/net/tls.h"

namespace mas::net {

// handshake() waits for the first byte. `server` outlives the stream.
[[nodiscard]] std::unique_ptr<Stream> make_either_stream(boost::asio::ip::tcp::socket socket,
                                                         TlsServer& server);

}  // namespace mas::net
