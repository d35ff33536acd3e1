// Receipts against what stands on the disks at that moment.
//
// A receipt may count a shard if it is in the store of any pod whose data are those the layout
// knows or that holds it besides, whether or not its row's holder has it: reads look everywhere. A
// pod that is down counts with all that its rows give it, if its disk is the one that was there.
// Missing may be what was lost after the receipt was asked for (Losses::unknown_to_receipt): so
// many pods' shards of a stripe. What has rotted, or lies in a sector that nobody has read yet,
// counts: nobody can know.
#pragma once

#include "mas/object/objects.h"
#include "sim/cluster.h"

namespace mas::sim {

// Violates if `receipt`, asked for at `asked` and answered now, says more than is true. Says
// nothing of a file that is not live any more, or has other extents by now.
void check_receipt(Cluster& cluster, const object::Receipt& receipt, Instant asked);
// The same of an answer that only says that the file is stored.
void check_stored(Cluster& cluster, const meta::Object& object, Instant asked);

// Violates if a data directory that was expected back under `before`, the layout until now, is not
// any more though it alone has some of a file that is short of shards elsewhere, and not because
// of what pods have lost since all was seen whole. Files that may be damaged do not count.
void check_given_up(Cluster& cluster, const layout::Layout& before);

// What is stored, or acknowledged as a part of an open upload, and can only be read with the
// directories that the cluster has refused; "" if there is nothing. Looks at who is up only.
[[nodiscard]] std::string needed_of_refused(Cluster& cluster);

}  // namespace mas::sim
