// Keys: RecordKey::encode() (first byte 1 or 2) for records; first byte 0 for our own entries:
// "\0f" form and volume id, "\0p" position, "\0s" + big-endian segment number its statistics.
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>

#include "mas/core/endian.h"
#include "mas/fs/descriptors.h"
#include "mas/fs/rocksdb_env.h"
#include "mas/fs/rocksdb_shortage.h"
#include "mas/fs/rocksdb_tables.h"
#include "mas/observe/log.h"
#include "store/index.h"

namespace mas::store {
namespace {

constexpr std::uint32_t kIndexForm = 1;
constexpr std::uint64_t kReadOnlyMemory = 4 * 1024 * 1024;
constexpr std::uint32_t kReadOnlyTables = 64;
const std::string kFormKey("\0f", 2);
const std::string kPositionKey("\0p", 2);
const std::string kStatsPrefix("\0s", 2);
const std::string kRecordsStart("\1", 1);

Error no_room() { return {Code::disk_full, "The disk has no room for the shard index."}; }

Error index_error(const rocksdb::Status& status, const char* doing) {
  if (fs::is_exhausted(status)) return fs::exhausted();
  if (status.IsNoSpace()) return no_room();
  return Error(Code::io,
               std::string("The shard index cannot be ") + doing + ": " + status.ToString() + ".");
}

rocksdb::Slice to_slice(const RecordKey::Encoded& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

ByteView to_bytes(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

std::string encode(const Location& location) {
  ByteWriter out;
  out.write(location.segment);
  out.write(location.header);
  out.write(location.payload);
  out.write(location.version);
  out.write(location.length);
  out.write(location.sum);
  return std::move(out).take();
}

std::optional<Location> decode_location(ByteView bytes) {
  ByteReader in(bytes);
  Location location;
  location.segment = in.read<std::uint64_t>();
  location.header = in.read<std::uint64_t>();
  location.payload = in.read<std::uint64_t>();
  location.version = in.read<std::uint64_t>();
  location.length = in.read<std::uint32_t>();
  location.sum = in.read<Sum128>();
  if (!in.at_end()) return std::nullopt;
  return location;
}

std::string stats_key(std::uint64_t segment) {
  std::string key = kStatsPrefix;
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(segment >> shift));
  return key;
}

std::uint64_t segment_of_stats_key(ByteView key) {
  std::uint64_t segment = 0;
  for (std::uint8_t byte : key.subspan(kStatsPrefix.size())) segment = segment << 8 | byte;
  return segment;
}

std::string form_of(const Id128& volume) {
  ByteWriter out;
  out.write(kIndexForm);
  out.write(volume);
  return std::move(out).take();
}

class QuietLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Options make_options(rocksdb::Env* env, const IndexBounds& bounds) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  options.table_factory = fs::make_rocksdb_tables(bounds.memory / 2);
  options.write_buffer_size = std::max<std::uint64_t>(bounds.memory / 8, 256 * 1024);
  options.max_write_buffer_number = 3;
  options.compression = rocksdb::kNoCompression;  // random ids do not shrink
  options.max_open_files = static_cast<int>(bounds.open_tables);
  options.max_background_jobs = 2;
  options.max_bgerror_resume_count = 0;  // ready() sees to it: see fs::is_exhausted
  // What was not flushed is replayed from the segments; a destructor has no time to spare.
  options.avoid_flush_during_shutdown = true;
  options.info_log = std::make_shared<QuietLogger>();
  options.keep_log_file_num = 1;
  return options;
}

// In the directory of an index of which something could not be read: the next start makes it anew.
// Else the same bad block would be met in every life.
std::string damage_mark(const std::string& path) { return path + "/damaged"; }

class RocksDbIndex final : public Index {
 public:
  RocksDbIndex(fs::Fs& fs, std::string path, std::shared_ptr<rocksdb::Env> env,
               std::unique_ptr<rocksdb::DB> db, std::shared_ptr<fs::RocksDbShortage> shortage)
      : fs_(fs),
        path_(std::move(path)),
        env_(std::move(env)),
        db_(std::move(db)),
        shortage_(std::move(shortage)) {
    unlogged_.disableWAL = true;
    cached_.read_tier = rocksdb::kBlockCacheTier;
  }

  Lookup find_cached(const RecordKey& key, Location& location) override {
    rocksdb::PinnableSlice value;
    const RecordKey::Encoded encoded = key.encode();
    rocksdb::Status status =
        db_->Get(cached_, db_->DefaultColumnFamily(), to_slice(encoded), &value);
    if (status.IsNotFound()) return Lookup::absent;
    if (!status.ok()) return Lookup::would_block;
    auto decoded = decode_location(to_bytes(value));
    if (!decoded) return Lookup::would_block;
    location = *decoded;
    return Lookup::found;
  }

  Result<std::optional<Location>> find(const RecordKey& key) override {
    rocksdb::PinnableSlice value;
    const RecordKey::Encoded encoded = key.encode();
    rocksdb::Status status =
        db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), to_slice(encoded), &value);
    if (status.IsNotFound()) return std::optional<Location>();
    if (!status.ok()) return failed(status, "read");
    auto decoded = decode_location(to_bytes(value));
    if (!decoded) return failed(rocksdb::Status::Corruption("an entry"), "read");
    return decoded;
  }

  Result<std::vector<std::pair<RecordKey, Location>>> list(const ListFrom& from,
                                                           std::size_t limit) override {
    std::vector<std::pair<RecordKey, Location>> page;
    rocksdb::ReadOptions uncached;
    uncached.fill_cache = false;
    std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(uncached));
    if (from.key) {
      const RecordKey::Encoded encoded = from.key->encode();
      entry->Seek(to_slice(encoded));
      const bool is_there = entry->Valid() && entry->key() == to_slice(encoded);
      if (is_there && !from.including) entry->Next();
    } else {
      entry->Seek(kRecordsStart);
    }
    for (; entry->Valid() && page.size() < limit; entry->Next()) {
      auto key = RecordKey::decode(to_bytes(entry->key()));
      auto location = decode_location(to_bytes(entry->value()));
      if (!key || !location) {
        return failed(rocksdb::Status::Corruption("an entry"), "read");
      }
      page.emplace_back(*key, *location);
    }
    if (!entry->status().ok()) return failed(entry->status(), "read");
    return page;
  }

  Result<void> write(const IndexBatch& batch) override {
    rocksdb::WriteBatch changes;
    for (const auto& [key, location] : batch.records) {
      const RecordKey::Encoded encoded = key.encode();
      if (location) {
        changes.Put(to_slice(encoded), encode(*location));
      } else {
        changes.Delete(to_slice(encoded));
      }
    }
    for (const auto& [segment, stats] : batch.segments) {
      if (!stats) {
        changes.Delete(stats_key(segment));
        continue;
      }
      ByteWriter out;
      out.write(*stats);
      changes.Put(stats_key(segment), out.bytes());
    }
    if (batch.position) {
      ByteWriter out;
      out.write(*batch.position);
      changes.Put(kPositionKey, out.bytes());
    }
    rocksdb::Status status = db_->Write(unlogged_, &changes);
    if (!status.ok()) return failed(status, "written");
    return {};
  }

  Result<void> ready() override {
    const rocksdb::Status status = shortage_->recover(*db_);
    if (!status.ok()) return failed(status, "written");
    return {};
  }

  Result<void> flush() override {
    MAS_CHECK(ready());
    rocksdb::Status status = db_->Flush(rocksdb::FlushOptions());
    if (!status.ok()) return failed(status, "flushed");
    return {};
  }

  Result<std::optional<IndexState>> load() override {
    std::string value;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), kPositionKey, &value);
    if (status.IsNotFound()) return std::optional<IndexState>();
    if (!status.ok()) return failed(status, "read");
    IndexState state;
    ByteReader position(as_bytes(value));
    state.position = position.read<Position>();
    if (!position.at_end()) return std::optional<IndexState>();
    std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(rocksdb::ReadOptions()));
    for (entry->Seek(kStatsPrefix); entry->Valid() && entry->key().starts_with(kStatsPrefix);
         entry->Next()) {
      ByteReader in(to_bytes(entry->value()));
      const auto stats = in.read<SegmentStats>();
      if (!in.at_end()) return std::optional<IndexState>();
      state.segments[segment_of_stats_key(to_bytes(entry->key()))] = stats;
    }
    if (!entry->status().ok()) return failed(entry->status(), "read");
    return std::optional<IndexState>(std::move(state));
  }

  // True if this database was made by this form of the index for this volume; marks a new one so.
  Result<bool> belongs_to(const Id128& volume) {
    const std::string expected = form_of(volume);
    std::string found;
    rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), kFormKey, &found);
    if (status.ok()) return found == expected;
    if (!status.IsNotFound()) return failed(status, "read");
    status = db_->Put(unlogged_, kFormKey, expected);
    if (!status.ok()) return failed(status, "written");
    return true;
  }

 private:
  Error failed(const rocksdb::Status& status, const char* doing) {
    const bool is_damage = status.IsCorruption() || (status.IsIOError() && !fs::passes(status));
    if (is_damage && !is_marked_.exchange(true)) {
      auto mark = [this]() -> Result<void> {
        fs::OpenOptions options;
        options.access = fs::Access::read_write;
        options.create = true;
        MAS_TRY(auto file, fs_.open(damage_mark(path_), options));
        MAS_CHECK(file->sync_all());
        return fs_.sync_directory(path_);
      };
      const Result<void> marked = mark();
      log::error("store.index_damaged", {{"path", path_},
                                         {"error", status.ToString()},
                                         {"next_start_makes_it_anew", marked.has_value()}});
    }
    return index_error(status, doing);
  }

  fs::Fs& fs_;
  const std::string path_;
  std::atomic<bool> is_marked_{false};
  std::shared_ptr<rocksdb::Env> env_;  // outlives the database
  std::unique_ptr<rocksdb::DB> db_;
  const std::shared_ptr<fs::RocksDbShortage> shortage_;
  rocksdb::WriteOptions unlogged_;
  rocksdb::ReadOptions cached_;
};

Result<std::unique_ptr<RocksDbIndex>> open_once(fs::Fs& fs, const std::string& path,
                                                const IndexBounds& bounds) {
  std::shared_ptr<rocksdb::Env> env = fs::make_rocksdb_env(fs);
  auto shortage = std::make_shared<fs::RocksDbShortage>(fs, path);
  rocksdb::Options options = make_options(env.get(), bounds);
  options.listeners.push_back(shortage->listener());
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options, path, &db);
  if (!status.ok()) return index_error(status, "opened");
  return std::make_unique<RocksDbIndex>(fs, path, std::move(env), std::unique_ptr<rocksdb::DB>(db),
                                        std::move(shortage));
}

}  // namespace

Result<Position> read_index_position(fs::Fs& fs, const std::string& path, const Id128& volume) {
  MAS_TRY(const bool exists, fs.exists(path));
  if (!exists) return Position();
  std::shared_ptr<rocksdb::Env> env = fs::make_rocksdb_env(fs);
  rocksdb::Options options = make_options(env.get(), {kReadOnlyMemory, kReadOnlyTables});
  options.create_if_missing = false;
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, path, &opened);
  if (!status.ok()) return index_error(status, "opened");
  std::unique_ptr<rocksdb::DB> db(opened);
  std::string form;
  std::string value;
  status = db->Get(rocksdb::ReadOptions(), kFormKey, &form);
  if (status.IsNotFound()) return Position();
  if (!status.ok()) return index_error(status, "read");
  if (form != form_of(volume)) return Error(Code::io, "The shard index is of another volume.");
  status = db->Get(rocksdb::ReadOptions(), kPositionKey, &value);
  if (status.IsNotFound()) return Position();
  if (!status.ok()) return index_error(status, "read");
  ByteReader in(as_bytes(value));
  const auto position = in.read<Position>();
  if (!in.at_end()) return Error(Code::io, "The shard index holds an entry it cannot read.");
  return position;
}

Result<std::unique_ptr<Index>> open_rocksdb_index(fs::Fs& fs, const std::string& path,
                                                  const Id128& volume, const IndexBounds& bounds) {
  std::string reason = "Something in it could not be read.";
  MAS_TRY(const bool is_damaged, fs.exists(damage_mark(path)));
  if (!is_damaged) {
    auto index = open_once(fs, path, bounds);
    // What passes is no reason to make it anew.
    if (index.has_error() && fs::is_exhausted(index.error())) return index.error();
    if (index.has_error()) {
      reason = index.error().message();
    } else {
      const auto ours = (*index)->belongs_to(volume);
      if (ours.has_value() && *ours) return std::unique_ptr<Index>(std::move(*index));
      reason = ours.has_error() ? ours.error().message()
                                : "It was made for another volume or in another form.";
    }
  }
  log::warn("store_index_discarded", {{"path", path}, {"reason", reason}});
  MAS_CHECK(fs.remove_tree(path));
  MAS_TRY(auto fresh, open_once(fs, path, bounds));
  MAS_TRY(const bool ours, fresh->belongs_to(volume));
  if (!ours) return Error(Code::io, "The shard index cannot be made anew.");
  return std::unique_ptr<Index>(std::move(fresh));
}

}  // namespace mas::store
