#include "meta/rocks_reader.h"

#include <memory>

#include "mas/observe/log.h"

namespace mas::meta {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Error error_of(const rocksdb::Status& status, std::string_view what) {
  if (log::once_a_minute("meta rocksdb")) {
    log::error("metadata database failed", {{"call", what}, {"status", status.ToString()}});
  }
  if (status.IsCorruption()) {
    return Error(Code::corrupt, "The metadata database is damaged; rebuild it from the disks.");
  }
  return Error(Code::metadata_unavailable,
               "The metadata database cannot be used; try again later.");
}

Error RocksReader::failed(const rocksdb::Status& status) const {
  if (status.IsIncomplete()) {
    needs_disk_ = true;
    return Error(Code::metadata_unavailable, "Not in memory.");
  }
  return error_of(status, "read");
}

Result<std::optional<std::string>> RocksReader::get(std::string_view key) const {
  rocksdb::ReadOptions options;
  options.snapshot = at_;
  if (reach_ == Reach::cache) options.read_tier = rocksdb::kBlockCacheTier;
  rocksdb::PinnableSlice value;
  rocksdb::Status status = db_.Get(options, db_.DefaultColumnFamily(), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return failed(status);
  return std::optional<std::string>(value.ToString());
}

Result<void> RocksReader::scan(std::string_view from, std::string_view to,
                               const Visit& visit) const {
  rocksdb::ReadOptions options;
  options.snapshot = at_;
  if (reach_ == Reach::cache) options.read_tier = rocksdb::kBlockCacheTier;
  // A walk over everything must not push out what single look-ups use.
  options.fill_cache = false;
  rocksdb::Slice upper = slice(to);
  options.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> it(db_.NewIterator(options));
  for (it->Seek(slice(from)); it->Valid(); it->Next()) {
    MAS_TRY(bool go_on,
            visit({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()}));
    if (!go_on) return {};
  }
  if (!it->status().ok()) return failed(it->status());
  return {};
}

}  // namespace mas::meta
