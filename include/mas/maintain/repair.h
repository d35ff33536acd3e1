// The workers that keep data whole across pods: repair walks over what is stored, the census over
// what this pod holds.
#pragma once

#include <memory>

#include "mas/maintain/ledger.h"
#include "mas/maintain/scheduler.h"
#include "mas/object/objects.h"
#include "mas/object/repair.h"
#include "mas/peer/transport.h"

namespace mas::maintain {

struct RepairDependencies {
  Dependencies base;
  object::Upkeep& upkeep;
  peer::PeerTransport& transport;
  Ledger& ledger;
};

// Hints first, then walks over this pod's slices: every repair_interval, and at once when the
// layout or the set of live pods has changed, or scrub found what no header explains. Publishes
// the ledger and how far the walk went. Two pods that both think a slice theirs harm nothing.
[[nodiscard]] std::unique_ptr<Worker> make_repair_worker(const config::Maintain& options,
                                                         RepairDependencies deps);

// Settles uploads of this pod's slices that stayed sealed because the pod that was finishing them
// is gone: those that nobody has touched for object::kAbandonedAfter of this pod's own time,
// whatever the clocks of other pods say.
[[nodiscard]] std::unique_ptr<Worker> make_take_over_worker(const Dependencies& deps,
                                                            object::Objects& objects);

// Counts this pod's shards that nothing explains, and removes those that the layout places
// elsewhere once their holder has had them for the grace.
[[nodiscard]] std::unique_ptr<Worker> make_census_worker(const config::Maintain& options,
                                                         RepairDependencies deps);

}  // namespace mas::maintain
