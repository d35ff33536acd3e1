// The last looks of a rebuild at all that the store names.
#pragma once

#include <atomic>

#include "maintain/rebuild/pods.h"
#include "maintain/rebuild/progress.h"

namespace mas::maintain::rebuild {

// Whether every live file has enough shards. One that does not is marked damaged if nobody is away,
// and counts as not restored.
Task<Result<void>> check_all(const RebuildDependencies& deps, Pods& pods, Progress& progress,
                             const std::atomic<bool>& stopping);
// Reads every live file and compares its bytes with its hash. One that has others is marked
// damaged.
Task<Result<void>> verify_all(const RebuildDependencies& deps, Progress& progress,
                              const std::atomic<bool>& stopping);

}  // namespace mas::maintain::rebuild
