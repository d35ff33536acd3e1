// The calls of a PeerTransport that are more than one call of the store behind them.
#pragma once

#include <vector>

#include "mas/peer/transport.h"

namespace mas::peer {

// As PeerTransport::have, quarantine and carried, at this store.
Task<Result<std::vector<bool>>> have_in(store::Store& store, std::vector<RecordKey> keys);
Task<Result<void>> quarantine_in(store::Store& store, RecordKey key);
Task<Result<CarriedPage>> carried_in(store::Store& store, std::optional<RecordKey> after);

}  // namespace mas::peer
