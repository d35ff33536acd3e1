// Who may call the peer port: every request's head is checked here before anything else happens.
#pragma once

#include <string>

#include "mas/http/message.h"
#include "mas/peer/http.h"

namespace mas::peer {

enum class CallKind {
  ping,   // of an address, from any incarnation
  probe,  // of an address
  shard,  // of one certain pod
};

// What a request says of itself, checked.
struct Caller {
  std::string slot;
  Id128 incarnation;
  std::uint64_t layout_version = 0;
};

// Errors: system_token_invalid (no proof that it is a pod of the cluster), not_implemented (another
// protocol version), refused (another cluster, meant for another pod, an incarnation that is not of
// the layout), parameter_missing, parameter_malformed (a field that is missing, doubled or wrong).
// That is checked first: who cannot prove it learns nothing.
[[nodiscard]] Result<Caller> admit(const http::RequestHead& head, const Self& self,
                                   const HandlerOptions& options, CallKind kind);

}  // namespace mas::peer
