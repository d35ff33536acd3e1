// OpenSSL contexts of TLS 1.3 by pre-shared key.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <vector>

#include "mas/net/tls.h"

namespace mas::net {

// Both speak TLS 1.3 with TLS_AES_128_GCM_SHA256 only, with an ephemeral key exchange in every
// handshake (psk_dhe_ke), and resume nothing.

// Takes whoever knows one of `keys`; has no certificate to go on with else.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> psk_server_context(
    std::vector<PskKey> keys);
// Offers `key`; trusts no certificate.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> psk_client_context(PskKey key);

}  // namespace mas::net
