// Opening the embedded database: its options, its format version.
#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <memory>
#include <string>

#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/fs/rocksdb_shortage.h"

namespace mas::meta {

// The environment has to outlive the database in it.
struct EmbeddedDb {
  std::shared_ptr<rocksdb::Env> env;
  std::shared_ptr<fs::RocksDbShortage> shortage;
  std::function<std::uint64_t()> room;  // bytes that are left on its disk
  std::unique_ptr<rocksdb::DB> db;
};

// Errors: io, corrupt, busy.
[[nodiscard]] Result<EmbeddedDb> open_db(const config::Meta& options, const std::string& directory,
                                         fs::Fs& fs);

// Changes nothing. Errors: io, corrupt.
[[nodiscard]] Result<EmbeddedDb> open_db_read_only(const config::Meta& options,
                                                   const std::string& directory, fs::Fs& fs);

}  // namespace mas::meta
