// The certificates of TLS: what a server shows and what a client trusts.
#pragma once

#include <memory>
#include <string>

#include "mas/config/config.h"
#include "mas/core/result.h"
#include "mas/runtime/clock.h"

namespace mas::net {

// A certificate and its key, read again when the files change (net/tls_context.h). Thread-safe.
class TlsServer;

// Errors: invalid_argument (a file that cannot be read, a key that does not fit), naming the file.
[[nodiscard]] Result<std::shared_ptr<TlsServer>> make_tls_server(const config::Tls& files,
                                                                 Clock& clock);

// What a client trusts: the certificates in `ca_file`, or the system's if that is empty.
// Thread-safe.
class TlsClient;

// Errors: invalid_argument.
[[nodiscard]] Result<std::shared_ptr<TlsClient>> make_tls_client(const std::string& ca_file);

}  // namespace mas::net
