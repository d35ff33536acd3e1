// RocksDB on top of an Fs, so that the databases of mas see the same disk, and the same faults, as
// its segments.
#pragma once

#include <memory>

#include "mas/fs/fs.h"

namespace rocksdb {
class Env;
class Status;
}  // namespace rocksdb

namespace mas::fs {

// An Env whose file calls go to `fs`, which must outlive it. For the real Fs these are RocksDB's
// own, without a detour.
[[nodiscard]] std::shared_ptr<rocksdb::Env> make_rocksdb_env(Fs& fs);

// Whether a call of a database in such an Env failed because a file could not be opened for want of
// descriptors or memory. A write that did was not begun. The database goes on after DB::Resume(),
// if there are some again; not by itself, as RocksDB 7.8 cannot be closed while it tries to.
[[nodiscard]] bool is_exhausted(const rocksdb::Status& status);

}  // namespace mas::fs
