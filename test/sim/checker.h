// What must hold once the faults have stopped and everything has calmed down: rules 1 to 5 of the
// design, as far as mas can keep them.
#pragma once

#include "sim/client.h"

namespace mas::sim {

// Every content at some pods: there or not as the model says, and right; every record with as many
// good shards as its receipt promises. All pods serve.
void check_objects(Workload& workload);

// Whatever is asked now works: at each pod an upload, its download, its deletion.
void check_service(Workload& workload);

// No shard whose extent was given up is left. To be called when the grace and some rounds of
// collection have passed. `known`: extents the metadata ever heard of.
void check_garbage(Workload& workload);

}  // namespace mas::sim
