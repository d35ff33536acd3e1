#include "store/catalog.h"

#include <algorithm>

namespace mas::store {

// One batch in the making: sees its own earlier changes.
class Catalog::Change {
 public:
  explicit Change(Catalog& catalog) : catalog_(catalog) {}

  Result<std::optional<Location>> find(const RecordKey& key) {
    auto changed = batch.records.find(key);
    if (changed != batch.records.end()) return changed->second;
    return catalog_.index_->find(key);
  }

  Result<void> apply(const IndexedRecord& record) {
    MAS_TRY(auto current, find(record.key));
    if (record.type == RecordType::tombstone) {
      SegmentStats& stats = stats_of(record.location.segment);
      ++stats.tombstones;
      stats.newest_tombstone = std::max(stats.newest_tombstone, record.first_place);
      if (current && record.location.version > current->version) erase(record.key, *current);
      return {};
    }
    if (current && record.location.version < current->version) return {};
    if (current) discount(*current);
    SegmentStats& stats = stats_of(record.location.segment);
    stats.live_bytes += footprint(record.location.length);
    ++stats.live_records;
    batch.records[record.key] = record.location;
    return {};
  }

  void erase(const RecordKey& key, const Location& current) {
    discount(current);
    batch.records[key] = std::nullopt;
  }

  IndexBatch batch;

 private:
  SegmentStats& stats_of(std::uint64_t segment) {
    auto [entry, is_new] = batch.segments.try_emplace(segment);
    if (is_new) entry->second = catalog_.stats(segment);
    return *entry->second;
  }
  void discount(const Location& location) {
    SegmentStats& stats = stats_of(location.segment);
    stats.live_bytes -= std::min(stats.live_bytes, footprint(location.length));
    if (stats.live_records > 0) --stats.live_records;
  }

  Catalog& catalog_;
};

Result<void> Catalog::load() {
  MAS_TRY(auto state, index_->load());
  if (!state) return {};
  std::lock_guard lock(mutex_);
  position_ = state->position;
  stats_ = std::move(state->segments);
  return {};
}

Position Catalog::position() const {
  std::lock_guard lock(mutex_);
  return position_;
}

Result<void> Catalog::apply(std::span<const IndexedRecord> records, const Position& upto) {
  Change change(*this);
  for (const IndexedRecord& record : records) MAS_CHECK(change.apply(record));
  change.batch.position = upto;
  MAS_CHECK(index_->write(change.batch));
  std::lock_guard lock(mutex_);
  for (auto& [segment, stats] : change.batch.segments) stats_[segment] = *stats;
  position_ = upto;
  return {};
}

Result<void> Catalog::forget(const RecordKey& key, const Location& location) {
  Change change(*this);
  MAS_TRY(auto current, change.find(key));
  if (current != location) return {};
  change.erase(key, *current);
  MAS_CHECK(index_->write(change.batch));
  std::lock_guard lock(mutex_);
  for (auto& [segment, stats] : change.batch.segments) stats_[segment] = *stats;
  return {};
}

Result<void> Catalog::drop_segment(std::uint64_t number) {
  IndexBatch batch;
  batch.segments[number] = std::nullopt;
  MAS_CHECK(index_->write(batch));
  std::lock_guard lock(mutex_);
  stats_.erase(number);
  return {};
}

Result<Catalog::Dropped> Catalog::drop_segments_but(const std::set<std::uint64_t>& existing) {
  std::set<std::uint64_t> gone;
  std::set<std::uint64_t> held;
  Dropped dropped;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [segment, stats] : stats_) {
      if (existing.count(segment) != 0) continue;
      gone.insert(segment);
      if (stats.live_records == 0) continue;
      held.insert(segment);
      ++dropped.segments;
      dropped.records += stats.live_records;
    }
  }
  if (!held.empty()) MAS_CHECK(forget_records_in(held));
  for (const std::uint64_t segment : gone) MAS_CHECK(drop_segment(segment));
  return dropped;
}

Result<void> Catalog::forget_records_in(const std::set<std::uint64_t>& segments) {
  constexpr std::size_t kPage = 4096;
  ListFrom from;
  for (;;) {
    MAS_TRY(const auto page, index_->list(from, kPage));
    IndexBatch batch;
    for (const auto& [key, location] : page) {
      from.key = key;
      if (segments.count(location.segment) != 0) batch.records[key] = std::nullopt;
    }
    if (!batch.records.empty()) MAS_CHECK(index_->write(batch));
    if (page.size() < kPage) return {};
  }
}

SegmentStats Catalog::stats(std::uint64_t segment) const {
  std::lock_guard lock(mutex_);
  auto entry = stats_.find(segment);
  return entry == stats_.end() ? SegmentStats() : entry->second;
}

CatalogTotals Catalog::totals() const {
  std::lock_guard lock(mutex_);
  CatalogTotals totals;
  for (const auto& [segment, stats] : stats_) {
    totals.live_bytes += stats.live_bytes;
    totals.records += stats.live_records;
  }
  return totals;
}

}  // namespace mas::store
