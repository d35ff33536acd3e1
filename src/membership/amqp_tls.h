// TLS to the broker: its certificate must come from a CA we trust and name the host we meant.
#pragma once

#include <amqp.h>

#include <string>

#include "mas/core/result.h"

namespace mas::membership {

// Makes the socket of `connection`, not yet open. `ca_file` empty: the system's CAs.
// Errors: broker_unavailable (the file cannot be read, or is no certificate).
[[nodiscard]] Result<amqp_socket_t*> make_tls_socket(amqp_connection_state_t connection,
                                                     const std::string& host,
                                                     const std::string& ca_file);

}  // namespace mas::membership
