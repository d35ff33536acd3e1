// Every call to the file system, behind one interface: the real one, and a fault-injecting one in
// memory that can forget what was not synced. All calls block; run them in the disk pool.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mas/core/bytes.h"
#include "mas/core/result.h"

namespace mas::fs {

enum class Access { read_only, read_write };

struct OpenOptions {
  Access access = Access::read_only;
  bool create = false;     // if absent
  bool exclusive = false;  // with create: fail with already_exists if present
  bool truncate = false;
  bool direct = false;  // O_DIRECT; offsets, lengths and memory must be multiples of kBlockSize.
                        // Silently buffered where the file system knows no O_DIRECT (tmpfs).
};

// An open file. Positional calls only; safe from several threads as pread and pwrite are.
class File {
 public:
  virtual ~File() = default;
  // Writes all of `pieces`, one after the other, from `offset` on. Errors: io, disk_full. After an
  // error any part of the range may have been written.
  virtual Result<void> write_at(std::uint64_t offset, std::span<const ByteView> pieces) = 0;
  // Reads up to into.size() bytes; fewer only at the end of the file. Errors: io.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) = 0;
  // The same if it needs no disk: `busy` if any byte is not cached (preadv2 with RWF_NOWAIT).
  // Never blocks for long; may be called on an io thread.
  virtual Result<std::size_t> read_cached(std::uint64_t offset, MutableBytes into) = 0;
  // fdatasync. After an error nothing written since the last good one can be trusted; never retry.
  virtual Result<void> sync_data() = 0;
  // fsync.
  virtual Result<void> sync_all() = 0;
  // Reserves [offset, offset + length) and extends the file; reads as zeros. Errors: disk_full, io.
  virtual Result<void> allocate(std::uint64_t offset, std::uint64_t length) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  // Tells the cache that this range will not be read again soon.
  virtual void drop_cache(std::uint64_t offset, std::uint64_t length) = 0;
};

struct Space {
  std::uint64_t total = 0;  // bytes of the volume
  std::uint64_t free = 0;   // bytes an unprivileged process may still write
};

// Held for as long as the object lives.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class Fs {
 public:
  virtual ~Fs() = default;
  // Errors of all calls: not_found, already_exists, disk_full, io.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenOptions options) = 0;
  // Creates missing parents too; fine if it exists. Does not sync.
  virtual Result<void> make_directories(const std::string& path, unsigned mode = 0700) = 0;
  // Names (not paths) in a directory, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  // A directory and all below it; fine if absent.
  virtual Result<void> remove_tree(const std::string& path) = 0;
  // Replaces `to` atomically; durable only after sync_directory of both parents.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  // Makes entries created, renamed or removed in this directory durable.
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Result<Space> space(const std::string& path) = 0;
  // An exclusive advisory lock on a file that is created if absent. `busy` if another process has
  // it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

[[nodiscard]] std::unique_ptr<Fs> make_real_fs();

// The whole of a small file. Errors: as open; corrupt if larger than `limit` bytes.
Result<std::string> read_file(Fs& fs, const std::string& path, std::uint64_t limit = 1 << 20);
// Replaces `path` durably: temporary file, fsync, rename, directory sync. Mode 0600.
Result<void> write_file(Fs& fs, const std::string& path, ByteView content);

}  // namespace mas::fs
