// Removing records from all volumes of a pod, whatever has become of one of them.
#pragma once

#include <memory>
#include <vector>

#include "store/volume.h"

namespace mas::store {

// See Store::remove. A volume that has stopped writing, or whose disk has gone, keeps what it holds
// of `keys` until it is back, and no other does. Errors: io (no volume writes, and something of
// `keys` is there), and those of volumes that write.
[[nodiscard]] Task<Result<void>> remove_from(const std::vector<std::unique_ptr<Volume>>& volumes,
                                             std::vector<RecordKey> keys);

}  // namespace mas::store
