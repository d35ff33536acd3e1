// RocksDB on top of an Fs, so that the databases of mas see the same disk, and the same faults, as
// its segments.
#pragma once

#include <memory>

#include "mas/fs/fs.h"

namespace rocksdb {
class Env;
}

namespace mas::fs {

// An Env whose file calls go to `fs`, which must outlive it. For the real Fs this is RocksDB's own
// default Env, without a detour.
[[nodiscard]] std::shared_ptr<rocksdb::Env> make_rocksdb_env(Fs& fs);

}  // namespace mas::fs
