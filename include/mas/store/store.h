// The shards of this pod: append-only segments under group commit, an index that is only a cache of
// them, compaction, and verification of what is read. storage.md's rules live here.
//
// What a finished call guarantees: put and remove are durable (one fdatasync answered them); a
// read's bytes were written under exactly that key (callers verify content by the shard's own
// checksums).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/config/config.h"
#include "mas/core/ids.h"
#include "mas/fs/fs.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/rng.h"
#include "mas/runtime/task.h"

namespace mas::store {

// Where a record's payload lies and how long it is.
struct RecordInfo {
  RecordKey key;
  std::uint64_t version = 0;  // the highest of a key counts
  std::uint32_t length = 0;   // payload bytes
};

struct Usage {
  std::uint64_t capacity = 0;  // bytes of the volume(s)
  std::uint64_t free = 0;      // left for new shards, reserve taken off, where they are taken
  std::uint64_t stored = 0;    // bytes in segments
  std::uint64_t live = 0;      // of those, reachable through the index
  std::uint64_t records = 0;
  std::uint64_t segments = 0;
  std::uint64_t quarantined = 0;     // records found damaged since start
  bool writable = false;             // some volume takes new shards
  bool full = false;                 // it would if there were room
  std::string not_writable_reason;   // "" if writable
  std::vector<std::string> stopped;  // of each volume that takes no shards until a restart, why
};

// What one step of scrub saw.
struct ScrubStep {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<RecordKey> damaged;  // quarantined; to be rebuilt from peers
  std::optional<RecordKey> next;   // where to go on; nullopt: the pass is complete
};

enum class IndexKind {
  rocksdb,  // on disk beside the segments
  memory,   // rebuilt from the segments at each open; for simulation
};

struct Dependencies {
  fs::Fs& fs;
  Pool& disk;
  Clock& clock;
  Rng& rng;
  observe::Metrics& metrics;
  IndexKind index = IndexKind::rocksdb;
};

class Store {
 public:
  virtual ~Store() = default;

  // Stores a payload under `key`, its bytes being `pieces` joined (total 1 byte to 128 MiB), and
  // resumes when it is durable. Pieces at kBlockSize alignment and length are written without a
  // copy. A later put of the same key replaces the earlier one. Errors: disk_full, busy (queue, or
  // want of files), io (the volume has stopped writing). Error::maybe_happened tells whether the
  // record may appear later.
  virtual Task<Result<void>> put(RecordKey key, std::vector<Slice> pieces) = 0;
  // Durably removes `keys` where directories can be written (see reach()); fine if absent.
  virtual Task<Result<void>> remove(std::vector<RecordKey> keys) = 0;

  // Bytes [offset, offset + length) of the payload, cut at its end. Served on the calling thread if
  // cached by the system, else through the disk pool. Errors: not_found, io, corrupt (points
  // outside its segment).
  virtual Task<Result<Slice>> read(RecordKey key, std::uint64_t offset, std::uint32_t length) = 0;
  // Length and version without reading the payload. Errors: not_found.
  virtual Task<Result<RecordInfo>> stat(RecordKey key) = 0;
  // Up to `limit` records with key > `after`, in key order.
  virtual Task<Result<std::vector<RecordInfo>>> list(std::optional<RecordKey> after,
                                                     std::size_t limit) = 0;
  // A reader found this record's bytes wrong: forget it, count it, let it be repaired.
  virtual Task<Result<void>> quarantine(RecordKey key, std::uint64_t version) = 0;

  // Reads and verifies up to `max_bytes` of records from `from` on, quarantining what fails.
  virtual Task<Result<ScrubStep>> scrub(std::optional<RecordKey> from, std::uint64_t max_bytes) = 0;
  // Copies the emptiest segment under the threshold forward and removes it; false if there is none.
  virtual Task<Result<bool>> compact_one() = 0;

  [[nodiscard]] virtual Usage usage() const = 0;
  // This volume set's id, made when the directory was first used.
  [[nodiscard]] virtual Id128 incarnation() const = 0;
  // Stops taking work, finishes what is queued, writes a closing frame, syncs. Call once, before
  // destroying.
  virtual Task<Result<void>> close() = 0;
};

// Opens (or founds, in an empty directory) the store below `directories`, recovering what a crash
// left. Blocking. Errors: busy (another instance), io, corrupt (not a mas directory, unknown format
// version).
[[nodiscard]] Result<std::unique_ptr<Store>> open(const config::Store& options,
                                                  const std::vector<std::string>& directories,
                                                  const Dependencies& dependencies);

// `mas check`: reads every record of a stopped store without changing anything.
struct CheckReport {
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> problems;  // one sentence each: file, offset, key, what is wrong
  std::vector<std::string> notes;     // harmless: an unfinished tail that the next start will cut
};
[[nodiscard]] Result<CheckReport> check(
    fs::Fs& fs, const std::vector<std::string>& directories,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

}  // namespace mas::store
