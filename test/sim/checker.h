// What must hold once the faults have stopped and everything has calmed down: rules 1 to 5 of the
// design, as far as mas can keep them.
#pragma once

#include "sim/client.h"

namespace mas::sim {

// Every content at some pods: there or not as the model says, and right. All pods serve.
void check_objects(Workload& workload);

// The layout settles within bounded time though bodies go on to arrive slowly and uploads stay open
// of which something is lost for good. To be called when the faults have stopped.
void check_settles(Workload& workload);

// Within bounded time the layout settles, and every stripe and manifest has all its shards, good
// ones, with the pods that the layout says.
void check_whole(Workload& workload);

// The pods' own ledgers say so, too. To be called when walks had time to begin and end since.
void check_ledgers(Workload& workload);

// Whatever is asked now works: at each pod an upload, its download, its deletion.
void check_service(Workload& workload);

// No shard is left of what was given up, no manifest of what has no record, and none of either with
// a pod that it does not belong to. To be
// called when the grace and some rounds of collection and census have passed.
void check_garbage(Workload& workload);

}  // namespace mas::sim
