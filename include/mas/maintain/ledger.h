// The redundancy ledger: how many stripes have lost how many shards, as the last walk of this pod's
// own slices found them; and how far that walk vouches for the layout. cluster_ledger.h adds up the
// shares of all pods.
#pragma once

#include <bitset>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

// The hash space is cut by the first byte of a hash, uploads by that of their id.
inline constexpr std::size_t kSlices = 256;
using SliceSet = std::bitset<kSlices>;

struct LedgerRow {
  int lost = 0;  // shards that are not with their row's holder
  std::uint64_t stripes = 0;
  std::uint64_t bytes = 0;  // plain bytes of them
  friend bool operator==(const LedgerRow&, const LedgerRow&) = default;
};

struct LedgerPicture {
  std::vector<LedgerRow> rows;       // ascending; rows of nothing are left out
  std::optional<int> survives = {};  // worst stripe: shards held less k; nullopt without stripes
  std::uint64_t beyond_repair = 0;   // stripes of which fewer than k good shards are left
  bool complete = false;             // false: of the part that the first walk has seen so far
  std::int64_t walked_at = 0;        // Unix seconds when that walk ended
  std::uint64_t layout_version = 0;  // that walk's
  SliceSet slices = {};              // that were walked
};

// The slices in which a walk, begun under `layout_version`, found or put every shard in place. What
// is beyond repair counts as in place: nobody has more of it.
struct Walked {
  std::uint64_t layout_version = 0;  // 0: no walk has ended yet
  Instant begun;
  SliceSet slices;
};

// What the census of this pod's own records found.
struct Unexplained {
  std::uint64_t shards = 0;     // that nothing refers to and that were never freed
  std::uint64_t records = 0;    // that this pod holds
  std::uint64_t strays = 0;     // shards that belong to another pod, waiting to go
  std::uint64_t manifests = 0;  // orphaned: no record goes by them, and they were never freed
  // More than 5 % of all records, unless it is a handful.
  [[nodiscard]] bool too_many() const noexcept {
    const std::uint64_t all = shards + manifests;
    return all >= 20 && all * 20 > records;
  }
};

// How far this pod has removed what the freed list names, and of which list that was said.
struct Removed {
  std::uint64_t distrusts = 0;  // of the view, as is the layout's version
  std::uint64_t layout_version = 0;
  std::uint64_t past = 0;  // sequence of the last entry
  [[nodiscard]] bool same_list(const Removed& other) const noexcept {
    return distrusts == other.distrusts && layout_version == other.layout_version;
  }
};

// What a census that has ended says: it began when the pod had removed `from`, and of what the
// pod held then it has listed all that it could tell to be made obsolete by a later record. The
// last of that to go from this pod is entry `until` of the freed list.
struct Searched {
  Removed from;
  std::uint64_t until = 0;
};

// Thread-safe. Also sets the gauges mas_ledger_stripes, mas_ledger_survives, mas_unexplained_shards
// and mas_orphaned_manifests.
class Ledger {
 public:
  explicit Ledger(observe::Metrics& metrics);

  void publish(LedgerPicture picture);
  void publish(const Walked& walked);
  void publish(const Unexplained& unexplained);
  void publish(const Removed& removed);
  void publish(const Searched& searched);
  [[nodiscard]] LedgerPicture picture() const;
  // Of the last walk that ended.
  [[nodiscard]] Walked walked() const;
  [[nodiscard]] Unexplained unexplained() const;
  [[nodiscard]] Removed removed() const;
  // Of the last census that could tell.
  [[nodiscard]] Searched searched() const;

 private:
  observe::Metrics& metrics_;
  observe::Gauge& survives_;
  observe::Gauge& unexplained_shards_;
  observe::Gauge& orphaned_manifests_;
  mutable std::mutex mutex_;
  LedgerPicture picture_;
  Walked walked_;
  Unexplained unexplained_;
  Removed removed_;
  Searched searched_;
  int most_lost_ = 0;  // highest row that was ever shown
};

}  // namespace mas::maintain
