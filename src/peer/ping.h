// Probes, and what else is asked with a connection of its own and one deadline for all of it.
#pragma once

#include <string>

#include "mas/peer/http.h"
#include "peer/dialler.h"

namespace mas::peer {

struct ProbeContext {
  const Self& self;
  Dialler& dialler;
};

// As Prober's, on the calling coroutine's io thread. What `context` refers to outlives them.
Task<Result<PingAnswer>> ping(ProbeContext context, std::string address, Duration timeout);
Task<Result<PingAnswer>> probe_through(ProbeContext context, std::string via, std::string target,
                                       Duration timeout);

// As HttpTransport's.
Task<Result<std::string>> ask_ledger(ProbeContext context, Address to, Duration timeout);

}  // namespace mas::peer
