#include "maintain/freed_tally.h"

#include <algorithm>

namespace mas::maintain {
namespace {

// What is beyond that is counted as gone twice, and so too little is shown.
constexpr std::size_t kMostEarly = 100'000;

std::uint64_t stored_bytes(const meta::FreedEntry& entry) {
  if (entry.manifests || never_published(entry) || entry.extent.profile.k == 0) return 0;
  const std::uint64_t shards = entry.extent.profile.k + entry.extent.profile.m;
  return entry.extent.length / entry.extent.profile.k * shards;
}

}  // namespace

void FreedTally::note(const meta::FreedEntry& entry) {
  if (last_ && entry.sequence <= last_->sequence) return;
  last_ = entry;
  if (entry.sequence <= collected_) return;
  ++entries_;
  bytes_ += stored_bytes(entry);
}

void FreedTally::collected(const meta::FreedEntry& entry) {
  if (entry.sequence <= collected_) return;
  collected_ = entry.sequence;
  if (!last_ || entry.sequence > last_->sequence) return;
  const bool is_gone = early_.contains(entry.sequence);
  early_.erase(early_.begin(), early_.upper_bound(entry.sequence));
  if (!is_gone) take_off(entry);
}

void FreedTally::removed_early(const meta::FreedEntry& entry) {
  if (entry.sequence <= collected_ || !last_ || entry.sequence > last_->sequence) return;
  if (early_.contains(entry.sequence)) return;
  if (early_.size() < kMostEarly) early_.insert(entry.sequence);
  take_off(entry);
}

void FreedTally::take_off(const meta::FreedEntry& entry) {
  entries_ -= std::min<std::uint64_t>(entries_, 1);
  bytes_ -= std::min(bytes_, stored_bytes(entry));
}

}  // namespace mas::maintain
