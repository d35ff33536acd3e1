// A pod without a cluster: a layout of one member, kept in the metadata store like any other.
#pragma once

#include <string>

#include "mas/membership/cluster_view.h"
#include "mas/meta/meta_store.h"
#include "mas/runtime/rng.h"

namespace mas::app {

// A pod whose store holds something while its metadata is empty: halted, with a layout that is
// stored nowhere yet.
[[nodiscard]] membership::ClusterView view_without_metadata(layout::Member self, Rng& rng);

// The stored layout with `self` in it, founding or changing it where needed: a first start founds
// it under a new cluster id; a pod that comes back under another name takes the only place there
// is. One that comes back with another data directory is halted while the metadata knows of files
// or uploads, which the old one holds, unless `given_up`: then the old one is gone, by the
// operator's word. Errors: those of the metadata store; refused, if the layout has several members.
Task<Result<membership::ClusterView>> view_alone(meta::MetaStore& meta, layout::Member self,
                                                 Rng& rng, bool given_up = false);

// Beats once on `bus`, and shows what was heard in `board`. `board` outlives `bus`.
Task<Result<void>> announce(membership::HeartbeatBus& bus, membership::ViewBoard& board,
                            std::string api_address);

}  // namespace mas::app
