#include "meta/embedded_db.h"

#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include "mas/core/units.h"
#include "mas/fs/descriptors.h"
#include "mas/fs/directories.h"
#include "mas/fs/rocksdb_env.h"
#include "mas/fs/rocksdb_tables.h"
#include "mas/observe/log.h"
#include "meta/keys.h"

namespace mas::meta {
namespace {

// doc/metadata-format.md
constexpr char kFormat[] = "mas-meta 2", kFormat1[] = "mas-meta 1";
constexpr char kExpiry1 = 'e';  // format 1 had an index of uploads by expiry

// Takes RocksDB's warnings into our own log, instead of files of its own.
class Log final : public rocksdb::Logger {
 public:
  Log() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 512> text;
    std::vsnprintf(text.data(), text.size(), format, arguments);
    if (log::once_a_minute("meta rocksdb log")) {
      log::warn("metadata database says", {{"text", text.data()}});
    }
  }
};

rocksdb::Options make_options(const config::Meta& options, rocksdb::Env* env) {
  rocksdb::Options db;
  db.env = env;
  db.create_if_missing = true;
  // Half for blocks that are read, half for the two memtables that are written.
  std::uint64_t half = std::max<std::uint64_t>(options.cache / 2, 1 * kMiB);
  db.write_buffer_size = half / 2;
  db.max_write_buffer_number = 2;
  db.table_factory = fs::make_rocksdb_tables(half);
  db.compression = rocksdb::kNoCompression;  // hashes and ids
  db.max_open_files = static_cast<int>(fs::most_open_tables(fs::descriptor_limit(), 1));
  db.max_background_jobs = 2;
  db.max_bgerror_resume_count = 0;  // the queue sees to it: see fs::is_exhausted
  // Everything up to the last sync is replayed, and the group that a power loss tore is dropped.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.track_and_verify_wals_in_manifest = true;
  db.info_log = std::make_shared<Log>();
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

Error open_error(const rocksdb::Status& status) {
  std::string text = status.ToString();
  log::error("metadata database cannot be opened", {{"status", text}});
  if (status.IsCorruption()) {
    return Error(Code::corrupt, "The metadata database is damaged; rebuild it from the disks.");
  }
  bool locked = text.find("lock") != std::string::npos || text.find("LOCK") != std::string::npos;
  if (status.IsBusy() || locked) {
    return Error(Code::busy, "Another process uses this metadata database.");
  }
  return Error(Code::io, "The metadata database cannot be opened: " + text);
}

Result<void> mark_format(rocksdb::DB& db, rocksdb::WriteBatch batch) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::Status status = batch.Put(keys::begin(keys::kFormat), kFormat);
  if (status.ok()) status = db.Write(synced, &batch);
  if (!status.ok()) return open_error(status);
  return {};
}

// Before the first record of this format is written, so that an older version refuses what it could
// not read. Records of format 1 stay as they are until they change.
Result<void> move_on_from_1(rocksdb::DB& db) {
  rocksdb::WriteBatch batch;
  rocksdb::Status status = batch.DeleteRange(keys::begin(kExpiry1), keys::end(kExpiry1));
  if (!status.ok()) return open_error(status);
  MAS_CHECK(mark_format(db, std::move(batch)));
  log::info("metadata.format_raised", {{"from", kFormat1}, {"to", kFormat}});
  return {};
}

// Marks a new database, moves one of an older format on, refuses any other.
Result<void> check_format(rocksdb::DB& db) {
  std::string value;
  rocksdb::Status status = db.Get(rocksdb::ReadOptions(), keys::begin(keys::kFormat), &value);
  if (status.ok()) {
    if (value == kFormat) return {};
    if (value == kFormat1) return move_on_from_1(db);
    return Error(Code::corrupt, "The metadata database has a format this version does not know.");
  }
  if (!status.IsNotFound()) return open_error(status);
  std::unique_ptr<rocksdb::Iterator> any(db.NewIterator(rocksdb::ReadOptions()));
  any->SeekToFirst();
  if (any->Valid()) {
    return Error(Code::corrupt, "The metadata directory holds a database that is not mas's.");
  }
  return mark_format(db, rocksdb::WriteBatch());
}

}  // namespace

Result<EmbeddedDb> open_db(const config::Meta& options, const std::string& directory, fs::Fs& fs) {
  // RocksDB syncs what is in its directory; the directory's own entry is ours to make durable.
  MAS_CHECK(fs::make_durable_directory(fs, directory));
  EmbeddedDb opened;
  opened.env = fs::make_rocksdb_env(fs);
  opened.shortage = std::make_shared<fs::RocksDbShortage>(fs, directory);
  opened.room = [&fs, directory] {
    const Result<fs::Space> space = fs.space(directory);
    // Then the write itself tells.
    return space.has_value() ? space->free : UINT64_MAX;
  };
  rocksdb::Options db_options = make_options(options, opened.env.get());
  db_options.listeners.push_back(opened.shortage->listener());
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(db_options, directory, &db);
  if (!status.ok()) return open_error(status);
  opened.db.reset(db);
  MAS_CHECK(check_format(*opened.db));
  return opened;
}

Result<EmbeddedDb> open_db_read_only(const config::Meta& options, const std::string& directory,
                                     fs::Fs& fs) {
  EmbeddedDb opened;
  opened.env = fs::make_rocksdb_env(fs);
  opened.shortage = std::make_shared<fs::RocksDbShortage>(fs, directory);
  opened.room = [] { return UINT64_MAX; };
  rocksdb::Options db_options = make_options(options, opened.env.get());
  db_options.create_if_missing = false;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(db_options, directory, &db);
  if (!status.ok()) return open_error(status);
  opened.db.reset(db);
  std::string format;
  status = opened.db->Get(rocksdb::ReadOptions(), keys::begin(keys::kFormat), &format);
  if (!status.ok() && !status.IsNotFound()) return open_error(status);
  // Records of format 1 can be read as they are. One without a mark has none yet.
  if (status.IsNotFound() || format == kFormat || format == kFormat1) return opened;
  return Error(Code::corrupt, "The metadata database has a format this version does not know.");
}

}  // namespace mas::meta
