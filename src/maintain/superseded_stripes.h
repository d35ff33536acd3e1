// What uploads of one stripe left that came to nothing, and versions that were replaced: extents
// that nothing refers to, whose shards name a file in their headers. A rebuild of the metadata
// would take them for that file, whatever has been deleted since.
#pragma once

#include <vector>

#include "mas/maintain/scheduler.h"

namespace mas::maintain {

// Of `shards`, which this pod's store holds of stripes 0 that nothing refers to: where the hash
// that a header names has a record of a later generation, live or deleted, the extent is listed as
// freed. No commit of it can succeed any more, and the list leaves alone what something refers to.
// What cannot be read, or of whose hash nothing later is known, stays. One small read a shard.
// Returns how many extents were superseded. Errors: those of the metadata.
Task<Result<std::size_t>> free_superseded(Dependencies deps, std::vector<RecordKey> shards);

}  // namespace mas::maintain
