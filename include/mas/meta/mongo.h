// MetaStore on a MongoDB server (replica set or sharded) that all pods of a cluster share. Needs
// neither sessions nor transactions of it: doc/metadata-mongodb.md has the protocol.
#pragma once

#include <memory>

#include "mas/config/config.h"
#include "mas/meta/meta_store.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/rng.h"

namespace mas::meta {

// `server.url` is resolved already (no url_file). Connects with the first call, not here: the
// server may be away, then calls fail with metadata_unavailable until it answers. `driver` runs
// what blocks (give it at least 2 threads), `clock` keeps the deadlines, `rng` draws the ids of
// changes. All must outlive the store; close_store() comes before it is destroyed. The process must
// not fork afterwards. Errors: invalid_argument (the URL). A ca_file that cannot be read shows as a
// server that cannot be reached.
[[nodiscard]] Result<std::unique_ptr<MetaStore>> open_mongo(const config::Meta& options,
                                                            const config::Mongodb& server,
                                                            Pool& driver, Clock& clock, Rng& rng,
                                                            observe::Metrics& metrics);

}  // namespace mas::meta
