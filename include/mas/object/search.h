// Who has shards of a stripe, wherever they should be: all who are present are asked.
#pragma once

#include <memory>
#include <vector>

#include "mas/membership/cluster_view.h"
#include "mas/object/repair.h"
#include "mas/peer/transport.h"

namespace mas::object {

// What those who are present have of a stripe. Who has left is not asked.
struct Found {
  int shards = 0;           // different ones that somebody says it has
  bool unanswered = false;  // somebody did not answer
};

// One Found for each of `stripes`, in order; each member is asked once. Never fails.
[[nodiscard]] Task<std::vector<Found>> search(peer::PeerTransport& transport,
                                              std::shared_ptr<const membership::ClusterView> view,
                                              std::vector<StripeRef> stripes);

}  // namespace mas::object
