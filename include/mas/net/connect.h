// From a host name to a connected Stream.
#pragma once

#include <memory>
#include <string>

#include "mas/core/result.h"
#include "mas/net/stream.h"
#include "mas/net/tls.h"
#include "mas/runtime/clock.h"

namespace mas::net {

// Tries the host's addresses in turn, `timeout` for all. `tls` may be null: then the stream is
// plain; else its handshake(), which is still to come, verifies the other side to be `host`.
// Errors: timeout, closed.
Task<Result<std::unique_ptr<Stream>>> connect(std::string host, std::string port,
                                              std::shared_ptr<TlsClient> tls, Clock& clock,
                                              Duration timeout);

}  // namespace mas::net
