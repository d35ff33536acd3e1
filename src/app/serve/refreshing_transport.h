// A PeerTransport that has this pod's layout read again when a peer refuses it as stale, so that
// whoever sends again does so under the newer one.
#pragma once

#include <memory>

#include "mas/membership/membership.h"
#include "mas/peer/transport.h"

namespace mas::app {

class RefreshingTransport : public peer::PeerTransport {
 public:
  // Who reads the layout; null: nobody, from now on. Thread-safe.
  virtual void refresh_with(membership::Membership* membership) = 0;
  // Waits for what reads the layout; nothing begins to any more. Before membership is closed.
  virtual Task<void> close() = 0;
};

// `inner` outlives it. `home`: membership's executor.
[[nodiscard]] std::unique_ptr<RefreshingTransport> make_refreshing_transport(
    peer::PeerTransport& inner, Executor home);

}  // namespace mas::app
