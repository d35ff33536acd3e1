// Streams over TLS, server and client side, and the certificates they present.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "http/stream.h"
#include "mas/config/config.h"
#include "mas/runtime/clock.h"

namespace mas::http {

// A certificate and its key, read again when the files change (http/tls_context.h). Thread-safe.
class TlsServer;

// Errors: invalid_argument (a file that cannot be read, a key that does not fit), naming the file.
[[nodiscard]] Result<std::shared_ptr<TlsServer>> make_tls_server(const config::Tls& files,
                                                                 Clock& clock);

[[nodiscard]] std::unique_ptr<Stream> make_tls_server_stream(boost::asio::ip::tcp::socket socket,
                                                             TlsServer& server);

// What a client trusts: the certificates in `ca_file`, or the system's if that is empty.
class TlsClient;
// Errors: invalid_argument.
[[nodiscard]] Result<std::shared_ptr<TlsClient>> make_tls_client(const std::string& ca_file);

// The handshake verifies the server's certificate against `host`. `client` must outlive the stream.
[[nodiscard]] std::unique_ptr<Stream> make_tls_client_stream(boost::asio::ip::tcp::socket socket,
                                                             TlsClient& client, std::string host);

}  // namespace mas::http
