// Want of descriptors, memory or room that a database of RocksDB meets in the background.
#pragma once

#include <memory>
#include <string>

#include "mas/fs/fs.h"

namespace rocksdb {
class DB;
class EventListener;
class Status;
}  // namespace rocksdb

namespace mas::fs {

// Whether the error is over with what it lacks: nothing is damaged.
[[nodiscard]] bool passes(const rocksdb::Status& status);

// What one database lacks. A flush that found no descriptor, or no room, for its file is not tried
// again by RocksDB at once: it takes more into memory, until it holds all that it may, and then
// blocks whoever writes. So whoever writes asks here before. Thread-safe.
class RocksDbShortage {
 public:
  // Of the database in `directory`. `fs` outlives this.
  RocksDbShortage(Fs& fs, const std::string& directory);

  // For the options with which the database is opened.
  [[nodiscard]] std::shared_ptr<rocksdb::EventListener> listener() const;
  // Tries again what was not done. OK: nothing is in the way of a write. Errors: those that pass.
  [[nodiscard]] rocksdb::Status recover(rocksdb::DB& db);
  // The database's log found no room for a write. What of it is in the log is not known, and
  // RocksDB writes to that log no more.
  [[nodiscard]] bool is_log_cut() const;

 private:
  struct Lacks;

  [[nodiscard]] bool can_open_files() const;

  Fs& fs_;
  const std::string file_;  // one that is there
  const std::shared_ptr<Lacks> lacks_;
};

}  // namespace mas::fs
