// The index of one volume together with what it says about each segment: how much is live, which
// tombstones are there. Applies records in the order of the log; the highest version of a key wins.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>

#include "store/index.h"

namespace mas::store {

struct CatalogTotals {
  std::uint64_t live_bytes = 0;
  std::uint64_t records = 0;
};

// apply and forget come from one thread at a time (recovery, then the writer); the rest from any.
class Catalog {
 public:
  explicit Catalog(std::unique_ptr<Index> index) : index_(std::move(index)) {}

  // Takes over what earlier lives indexed. Errors: io.
  Result<void> load();
  [[nodiscard]] Index& index() noexcept { return *index_; }
  [[nodiscard]] Position position() const;

  // Records of one frame, in its order; from then on segments are indexed up to `upto`.
  Result<void> apply(std::span<const IndexedRecord> records, const Position& upto);
  // Drops the entry of `key` if it is at `location`, without a trace in the segments; for a volume
  // that cannot write any more.
  Result<void> forget(const RecordKey& key, const Location& location);
  // Of a segment that has gone, and nothing points to.
  Result<void> drop_segment(std::uint64_t number);
  struct Dropped {
    std::uint64_t segments = 0;
    std::uint64_t records = 0;  // live ones, which are lost with them
  };
  // Those of segments not in `existing`: a crash in the middle of a removal leaves them, with
  // nothing live; if a file has vanished, its records go too, which costs a walk of the whole
  // index.
  Result<Dropped> drop_segments_but(const std::set<std::uint64_t>& existing);
  // See Index.
  Result<void> ready() { return index_->ready(); }
  Result<void> flush() { return index_->flush(); }

  [[nodiscard]] SegmentStats stats(std::uint64_t segment) const;
  [[nodiscard]] CatalogTotals totals() const;

 private:
  class Change;
  Result<void> forget_records_in(const std::set<std::uint64_t>& segments);

  std::unique_ptr<Index> index_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, SegmentStats> stats_;
  Position position_;
};

}  // namespace mas::store
