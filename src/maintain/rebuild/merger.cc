#include "maintain/rebuild/merger.h"

#include <algorithm>

namespace mas::maintain::rebuild {
namespace {

constexpr std::size_t kLanes = 16;
constexpr std::size_t kMostDoubtful = 100'000;

std::string too_few(int found, int needed) {
  return "Of one of its stripes " + std::to_string(found) +
         (found == 1 ? " shard is" : " shards are") + " found, and it takes " +
         std::to_string(needed) + ": it was lost, or its upload was never finished.";
}

}  // namespace

Task<void> Merger::lane(const std::vector<Entry*>& entries, std::size_t& next,
                        Task<void> (Merger::*work)(Entry&)) {
  while (next < entries.size() && failed_.has_value()) {
    Entry& entry = *entries[next++];
    auto task = (this->*work)(entry);
    co_await std::move(task);
  }
}

Task<Result<void>> Merger::for_each(std::vector<Entry*> entries,
                                    Task<void> (Merger::*work)(Entry&)) {
  std::size_t next = 0;
  std::vector<Task<void>> lanes;
  for (std::size_t i = 0; i < std::min(kLanes, entries.size()); ++i) {
    lanes.push_back(lane(entries, next, work));
  }
  co_await run_side_by_side(std::move(lanes));
  co_return failed_;
}

Task<Result<void>> Merger::merge_manifests(std::vector<Versions> batch) {
  std::vector<Entry> entries;
  for (Versions& versions : batch) {
    progress_.note_generation(versions.unreadable);
    if (versions.unreadable > 0) doubtful_[versions.hash] = versions.unreadable;
    if (doubtful_.size() > kMostDoubtful) {
      co_return Error(Code::corrupt, "Too many manifests cannot be read on any pod.");
    }
    entries.emplace_back();
    entries.back().versions = std::move(versions);
  }
  co_return co_await merge(std::move(entries));
}

Task<Result<void>> Merger::merge_headers(std::vector<Candidate> batch) {
  std::map<Hash, Versions> by_hash;
  for (Candidate& candidate : batch) {
    Hash hash = candidate.object.hash;
    by_hash[hash].hash = hash;
    add(by_hash[hash], std::move(candidate));
  }
  std::vector<Entry> entries;
  for (auto& [hash, versions] : by_hash) {
    auto doubt = doubtful_.find(hash);
    if (doubt != doubtful_.end()) versions.unreadable = doubt->second;
    entries.emplace_back();
    entries.back().versions = std::move(versions);
  }
  std::vector<Entry*> all;
  for (Entry& entry : entries) all.push_back(&entry);
  auto finding = for_each(std::move(all), &Merger::find_deletion);
  MAS_CO_CHECK(co_await std::move(finding));
  co_return co_await merge(std::move(entries));
}

// Deletions of this hash are records in the store by now, or a live one has taken their place.
Task<void> Merger::find_deletion(Entry& entry) {
  auto stored = co_await deps_.meta.find(entry.versions.hash);
  if (stored.has_error()) {
    failed_ = stored.error();
    co_return;
  }
  bool replaced = *stored && (*stored)->state == meta::ObjectState::live &&
                  entry.versions.live.front().object.generation > (*stored)->generation;
  if (!replaced) co_return;
  auto copies = co_await manifests_of(pods_, entry.versions.hash);
  if (copies.has_error()) {
    failed_ = copies.error();
    co_return;
  }
  entry.versions.deletion = sort_manifests(entry.versions.hash, *copies).deletion;
}

Task<Result<void>> Merger::merge(std::vector<Entry> entries) {
  std::vector<Entry*> all;
  for (Entry& entry : entries) all.push_back(&entry);
  auto looking = for_each(all, &Merger::look_up);
  MAS_CO_CHECK(co_await std::move(looking));
  std::vector<Entry*> deleted;
  for (Entry& entry : entries) {
    if (entry.verdict.deletion) deleted.push_back(&entry);
  }
  auto deleting = for_each(std::move(deleted), &Merger::restore_deletion);
  MAS_CO_CHECK(co_await std::move(deleting));
  MAS_CO_CHECK(co_await try_candidates(entries));
  co_return conclude(entries);
}

Task<void> Merger::look_up(Entry& entry) {
  auto stored = co_await deps_.meta.find(entry.versions.hash);
  if (stored.has_error()) {
    failed_ = stored.error();
    co_return;
  }
  entry.stored = *std::move(stored);
  std::uint64_t found = entry.versions.live.size() + (entry.versions.deletion ? 1 : 0);
  progress_.update([found](RebuildReport& report) { report.found += found; });
  if (entry.stored) progress_.note_generation(entry.stored->generation);
  if (entry.versions.deletion) progress_.note_generation(entry.versions.deletion->generation);
  for (const Candidate& candidate : entry.versions.live) {
    progress_.note_generation(candidate.object.generation);
  }
  entry.verdict = judge(entry.stored, entry.versions);
}

Task<void> Merger::restore_deletion(Entry& entry) {
  const std::uint64_t generation = entry.verdict.deletion->generation;
  auto stands = co_await deps_.meta.restore(*entry.verdict.deletion, now());
  if (stands.has_error()) {
    failed_ = stands.error();
  } else if (stands->generation == generation) {
    progress_.update([](RebuildReport& report) { ++report.deletions; });
  }
}

// The first candidate of each, then the second of those whose first was not whole, and so on.
Task<Result<void>> Merger::try_candidates(std::vector<Entry>& entries) {
  for (;;) {
    std::vector<Entry*> trying;
    for (Entry& entry : entries) {
      bool more = !entry.done && entry.at < entry.verdict.candidates.size();
      if (more) trying.push_back(&entry);
    }
    if (trying.empty()) co_return Result<void>();
    MAS_CO_TRY(auto shortages, co_await find_short(trying));
    std::vector<Entry*> whole;
    for (Entry* entry : trying) {
      auto shortage = shortages.find(entry);
      if (shortage == shortages.end()) {
        whole.push_back(entry);
        continue;
      }
      if (entry->why.empty()) entry->why = too_few(shortage->second.found, shortage->second.needed);
      ++entry->at;
    }
    auto restoring = for_each(std::move(whole), &Merger::restore_candidate);
    MAS_CO_CHECK(co_await std::move(restoring));
  }
}

Task<Result<std::map<Merger::Entry*, Merger::Shortage>>> Merger::find_short(
    const std::vector<Entry*>& trying) {
  std::map<Entry*, Shortage> shortages;
  std::vector<object::StripeRef> stripes;
  std::vector<Entry*> owners;
  auto note = [&shortages](Entry* entry, int found, int needed) {
    if (found < needed) shortages[entry] = {found, needed};
  };
  for (std::size_t i = 0; i <= trying.size(); ++i) {
    Entry* entry = i < trying.size() ? trying[i] : nullptr;
    const Candidate* candidate = entry ? &entry->verdict.candidates[entry->at] : nullptr;
    if (candidate && candidate->shards_seen) {
      note(entry, *candidate->shards_seen, candidate->object.extents[0].profile.k);
      continue;
    }
    std::vector<meta::Extent> extents;
    if (candidate) extents = candidate->object.extents;
    std::size_t extent = 0;
    std::uint64_t number = 0;
    for (;;) {
      while (extent < extents.size() && number == object::stripe_count(extents[extent])) {
        ++extent;
        number = 0;
      }
      bool through = extent == extents.size();
      bool full = stripes.size() == object::kMostInspected;
      if (full || (entry == nullptr && !stripes.empty())) {
        MAS_CO_TRY(std::vector<int> counts, co_await count_shards(pods_, stripes));
        for (std::size_t s = 0; s < counts.size(); ++s) {
          note(owners[s], counts[s], stripes[s].extent.profile.k);
        }
        stripes.clear();
        owners.clear();
      }
      if (through) break;
      stripes.push_back({extents[extent], number++});
      owners.push_back(entry);
    }
  }
  co_return shortages;
}

Task<void> Merger::restore_candidate(Entry& entry) {
  const meta::Object& object = entry.verdict.candidates[entry.at].object;
  const std::uint64_t generation = object.generation;
  auto stands = co_await deps_.meta.restore(object, now());
  if (stands.has_error() && stands.error().code() == Code::conflict) {
    if (entry.why.empty()) entry.why = stands.error().message();
    ++entry.at;
    co_return;
  }
  if (stands.has_error()) {
    failed_ = stands.error();
    co_return;
  }
  entry.done = true;
  if (stands->generation == generation) {
    progress_.update([](RebuildReport& report) { ++report.restored; });
  }
}

Result<void> Merger::conclude(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    bool live =
        entry.stored && entry.stored->state == meta::ObjectState::live && !entry.verdict.deletion;
    // What stands has the same content; whether it is whole is looked at in the end.
    if (entry.done || live) continue;
    std::uint64_t stands = entry.stored ? entry.stored->generation : 0;
    std::uint64_t deletion = entry.verdict.deletion ? entry.verdict.deletion->generation : 0;
    if (entry.versions.unreadable > std::max(stands, deletion)) {
      progress_.fail(entry.versions.hash, entry.versions.unreadable,
                     "No copy of its manifest can be read; it may have been deleted.");
    } else if (!entry.verdict.candidates.empty()) {
      progress_.fail(entry.versions.hash, entry.verdict.candidates[0].object.generation, entry.why);
    }
  }
  return {};
}

}  // namespace mas::maintain::rebuild
