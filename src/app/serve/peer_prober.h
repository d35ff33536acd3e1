// The peer port's probes as membership asks them.
#pragma once

#include <memory>

#include "mas/membership/prober.h"
#include "mas/peer/http.h"

namespace mas::app {

// `prober` outlives it.
[[nodiscard]] std::unique_ptr<membership::Prober> make_peer_prober(peer::Prober& prober);

}  // namespace mas::app
