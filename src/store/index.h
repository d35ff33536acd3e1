// The map from key to place of one volume. A cache of the segments: it may lag behind them (and
// says how far it got), never run ahead; deleted or damaged, it is rebuilt.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mas/core/result.h"
#include "mas/fs/fs.h"
#include "store/location.h"

namespace mas::store {

enum class Lookup { found, absent, would_block };

// Where a listing begins.
struct ListFrom {
  std::optional<RecordKey> key;  // nullopt: at the first there is
  bool including = false;        // whether `key` itself is listed
};

// Applied as one: all of it or nothing survives a crash, and only with all earlier ones.
struct IndexBatch {
  std::map<RecordKey, std::optional<Location>> records;  // nullopt erases
  std::map<std::uint64_t, std::optional<SegmentStats>> segments;
  std::optional<Position> position;
};

struct IndexState {
  Position position;
  std::map<std::uint64_t, SegmentStats> segments;
};

// Thread-safe. Batches that touch the same entries come from one thread.
class Index {
 public:
  virtual ~Index() = default;
  // Memory only; `would_block` if the answer needs the disk.
  virtual Lookup find_cached(const RecordKey& key, Location& location) = 0;
  // Blocking. Errors: io.
  virtual Result<std::optional<Location>> find(const RecordKey& key) = 0;
  // Blocking; up to `limit` entries, in key order.
  virtual Result<std::vector<std::pair<RecordKey, Location>>> list(const ListFrom& from,
                                                                   std::size_t limit) = 0;
  virtual Result<void> write(const IndexBatch& batch) = 0;
  // Whether it can take more than it has; asked before anything is written that it is to be told.
  // Blocking. Errors: busy, for want of descriptors; disk_full; io.
  virtual Result<void> ready() { return {}; }
  // Everything written so far survives a crash.
  virtual Result<void> flush() = 0;
  // What earlier lives wrote; nullopt if nothing or not readable.
  virtual Result<std::optional<IndexState>> load() = 0;
};

// Never on disk: starts empty, so that every open rebuilds it. For simulation.
[[nodiscard]] std::unique_ptr<Index> make_memory_index();

struct IndexBounds {
  std::uint64_t memory = 0;         // block cache and write buffers, bytes
  std::uint32_t open_tables = 256;  // files kept open
};

// RocksDB in `path` on `fs`. An index of another volume or in an unknown form is removed and begun
// anew. Blocking. Errors: io; busy, for want of descriptors.
[[nodiscard]] Result<std::unique_ptr<Index>> open_rocksdb_index(fs::Fs& fs, const std::string& path,
                                                                const Id128& volume,
                                                                const IndexBounds& bounds);

// How far the index in `path` says it got; the beginning if there is none. Opens nothing for
// writing. Blocking. Errors: io (unreadable, or of another volume).
[[nodiscard]] Result<Position> read_index_position(fs::Fs& fs, const std::string& path,
                                                   const Id128& volume);

}  // namespace mas::store
