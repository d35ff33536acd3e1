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

// With `client_ca_file`, clients must present a certificate that one of those in it vouches for.
// Errors: invalid_argument (a file that cannot be read, a key that does not fit), naming the file.
[[nodiscard]] Result<std::shared_ptr<TlsServer>> make_tls_server(
    const config::Tls& files, Clock& clock, const std::string& client_ca_file = "");

[[nodiscard]] std::unique_ptr<Stream> make_tls_server_stream(boost::asio::ip::tcp::socket socket,
                                                             TlsServer& server);

// What a client trusts, and what it proves itself with.
class TlsClient;
struct TlsClientFiles {
  std::string ca_file;      // empty: the system's
  std::string certificate;  // both or neither
  std::string key;
};
// Errors: invalid_argument.
[[nodiscard]] Result<std::shared_ptr<TlsClient>> make_tls_client(const TlsClientFiles& files);

// The handshake verifies the server's certificate against `host`. `client` must outlive the stream.
[[nodiscard]] std::unique_ptr<Stream> make_tls_client_stream(boost::asio::ip::tcp::socket socket,
                                                             TlsClient& client, std::string host);

}  // namespace mas::http
