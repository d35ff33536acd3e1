// MetaStore on RocksDB in this pod's own directory: synced write-ahead log, writes committed in
// groups. After a write has failed every call is refused until it is opened again:
// what the disk holds is not known before.
#pragma once

#include <memory>
#include <string>

#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/meta/meta_store.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/pool.h"

namespace mas::meta {

// Blocking. `fs` decides which disk (real or fault); `driver` runs what blocks; `clock` keeps the
// deadlines. All must outlive the store; close_store() comes before it is destroyed. Errors: io,
// corrupt (damaged, or a newer format), busy (locked by another process).
[[nodiscard]] Result<std::unique_ptr<MetaStore>> open_embedded(const config::Meta& options,
                                                               const std::string& directory,
                                                               fs::Fs& fs, Pool& driver,
                                                               Clock& clock,
                                                               observe::Metrics& metrics);

}  // namespace mas::meta
