// RocksDB's file classes over ours.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>

#include "mas/fs/fs.h"

namespace mas::fs {

// Our error as RocksDB wants to hear it. Nothing is retryable: after a failed write or sync the
// database is to stop, not to try again on the same file.
[[nodiscard]] rocksdb::IOStatus to_io_status(const Error& error);

[[nodiscard]] std::unique_ptr<rocksdb::FSSequentialFile> make_sequential_file(
    std::unique_ptr<File> file);
[[nodiscard]] std::unique_ptr<rocksdb::FSRandomAccessFile> make_random_access_file(
    std::unique_ptr<File> file);
// Appends from `end` on.
[[nodiscard]] std::unique_ptr<rocksdb::FSWritableFile> make_writable_file(
    std::unique_ptr<File> file, std::uint64_t end, const rocksdb::FileOptions& options);

}  // namespace mas::fs
