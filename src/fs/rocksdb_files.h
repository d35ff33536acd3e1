// RocksDB's file classes over ours.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>

#include "mas/fs/fs.h"

namespace mas::fs {

// Our error as RocksDB wants to hear it. Not retryable but for want of room: after a failed write
// or sync the database is to stop, not to try again on the same file.
[[nodiscard]] rocksdb::IOStatus to_io_status(const Error& error);

// Of a file that could not be opened for want of descriptors or memory: what RocksDB calls
// retryable, so that DB::Resume() ends it. is_exhausted() knows it.
[[nodiscard]] rocksdb::IOStatus exhausted_status(const std::string& text);

// RocksDB's own files on the real disk.
[[nodiscard]] std::shared_ptr<rocksdb::Env> make_real_rocksdb_env();

[[nodiscard]] std::unique_ptr<rocksdb::FSSequentialFile> make_sequential_file(
    std::unique_ptr<File> file);
[[nodiscard]] std::unique_ptr<rocksdb::FSRandomAccessFile> make_random_access_file(
    std::unique_ptr<File> file);
// Appends from `end` on.
[[nodiscard]] std::unique_ptr<rocksdb::FSWritableFile> make_writable_file(
    std::unique_ptr<File> file, std::uint64_t end, const rocksdb::FileOptions& options);

}  // namespace mas::fs
