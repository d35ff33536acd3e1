// Reader over a RocksDB database, and how its statuses become errors.
#pragma once

#include <rocksdb/db.h>

#include "meta/key_value.h"

namespace mas::meta {

class RocksReader final : public Reader {
 public:
  enum class Reach {
    cache,  // only what needs no disk; needs_disk() tells when that was not enough
    disk,
  };
  // `at`: the state that is read; null for the newest.
  RocksReader(rocksdb::DB& db, Reach reach, const rocksdb::Snapshot* at = nullptr)
      : db_(db), reach_(reach), at_(at) {}

  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override;
  [[nodiscard]] Result<void> scan(std::string_view from, std::string_view to,
                                  const Visit& visit) const override;
  // Some call could not be answered from memory; its result means nothing.
  [[nodiscard]] bool needs_disk() const noexcept { return needs_disk_; }

 private:
  [[nodiscard]] Error failed(const rocksdb::Status& status) const;

  rocksdb::DB& db_;
  Reach reach_;
  const rocksdb::Snapshot* at_;
  mutable bool needs_disk_ = false;
};

// metadata_unavailable, or corrupt; the status's text goes to the log, not to clients.
[[nodiscard]] Error error_of(const rocksdb::Status& status, std::string_view what);

}  // namespace mas::meta
