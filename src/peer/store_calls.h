// The calls of a PeerTransport that are more than one call of the store behind them.
#pragma once

#include <vector>

#include "mas/store/store.h"

namespace mas::peer {

// As PeerTransport::have and PeerTransport::quarantine, at this store. The latter holds one record
// in memory.
Task<Result<std::vector<bool>>> have_in(store::Store& store, std::vector<RecordKey> keys);
Task<Result<void>> quarantine_in(store::Store& store, RecordKey key);

}  // namespace mas::peer
