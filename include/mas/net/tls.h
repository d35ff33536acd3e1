// The certificates of TLS: what a server shows and what a client trusts.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mas/config/config.h"
#include "mas/core/result.h"
#include "mas/runtime/clock.h"

namespace mas::net {

// A certificate and its key, read again when the files change (net/tls_context.h). Thread-safe.
class TlsServer;

// With `client_ca_file`, clients must present a certificate that one of those in it vouches for.
// Errors: invalid_argument (a file that cannot be read, a key that does not fit), naming the file.
[[nodiscard]] Result<std::shared_ptr<TlsServer>> make_tls_server(
    const config::Tls& files, Clock& clock, const std::string& client_ca_file = "");

// A key that both sides have from elsewhere; TLS 1.3 then needs no certificates. The identity names
// it and crosses the network in the clear.
struct PskKey {
  std::string identity;
  std::array<std::uint8_t, 32> key{};
};

// Takes those that know one of `keys` (at least one).
[[nodiscard]] std::shared_ptr<TlsServer> make_psk_server(std::vector<PskKey> keys);
// As `tls`, and takes connections without TLS, too: their streams are not proven().
[[nodiscard]] std::shared_ptr<TlsServer> or_plain(std::shared_ptr<TlsServer> tls);

// What a client trusts, and what it proves itself with. Thread-safe.
class TlsClient;
struct TlsClientFiles {
  std::string ca_file;      // empty: the system's
  std::string certificate;  // both or neither
  std::string key;
};

// Errors: invalid_argument.
[[nodiscard]] Result<std::shared_ptr<TlsClient>> make_tls_client(const TlsClientFiles& files);

// Takes those servers that know `key`, whatever their host's name.
[[nodiscard]] std::shared_ptr<TlsClient> make_psk_client(PskKey key);

}  // namespace mas::net
