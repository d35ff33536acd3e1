#include "maintain/manifest_census.h"

#include "mas/observe/log.h"

namespace mas::maintain {
namespace {

constexpr std::size_t kAskedAtOnce = 64;  // records may be large
constexpr std::size_t kFreedAtOnce = 256;
constexpr std::size_t kMostKept = 65'536;
constexpr std::size_t kMostRestored = 64;  // of a page

}  // namespace

Task<Result<std::set<RecordKey>>> ManifestCensus::look_at(std::vector<store::RecordInfo> page) {
  std::map<Hash, std::vector<RecordKey>> by_hash;
  for (const store::RecordInfo& record : page) {
    if (record.key.kind == RecordKind::manifest) by_hash[record.key.hash()].push_back(record.key);
  }
  std::set<RecordKey> needed;
  std::vector<RecordKey> orphaned;
  auto next = by_hash.begin();
  while (next != by_hash.end()) {
    std::vector<Hash> asked;
    for (auto at = next; at != by_hash.end() && asked.size() < kAskedAtOnce; ++at) {
      asked.push_back(at->first);
    }
    MAS_CO_TRY(auto records, co_await deps_.meta.versions(asked));
    for (std::size_t i = 0; i < asked.size(); ++i, ++next) {
      for (const RecordKey& key : next->second) {
        judge(key, records.at(i), needed);
        bool again = records.at(i).generation == 0 && seen_.contains({asked[i], key.major});
        if (again) orphaned.push_back(key);
      }
    }
  }
  std::size_t restored = 0;
  for (const RecordKey& key : orphaned) {
    if (restored == kMostRestored) break;
    MAS_CO_TRY(bool deletion, co_await restore_deletion(key));
    restored += deletion ? 1 : 0;
  }
  co_return needed;
}

void ManifestCensus::judge(const RecordKey& key, const meta::RecordVersion& record,
                           std::set<RecordKey>& needed) {
  const Version version{key.hash(), key.major};
  const bool own = key.major == record.generation;
  // What came before a deletion is listed when its record is released.
  const bool before_deletion = key.major < record.generation && !record.released &&
                               record.state == meta::ObjectState::condemned;
  if (own || before_deletion) {
    needed.insert(key);
  } else if (key.major < record.generation) {
    if (superseded_.size() < kMostKept) superseded_.insert(version);
  } else if (suspects_.size() < kMostKept || suspects_.contains(version)) {
    ++suspects_[version];
  }
}

// False if the manifest is none of a deletion, or cannot be read.
Task<Result<bool>> ManifestCensus::restore_deletion(RecordKey key) {
  Result<Slice> bytes = co_await deps_.store.read(key, 0, UINT32_MAX);
  if (bytes.has_error()) co_return false;
  Result<meta::Object> object = meta::decode_object(as_text(bytes->view()));
  bool deletion = object.has_value() && object->state == meta::ObjectState::condemned &&
                  object->hash == key.hash() && object->generation == key.major;
  if (!deletion) co_return false;
  MAS_CO_CHECK(co_await membership::take_generations(deps_.meta, deps_.watch, 1));
  const std::int64_t now = deps_.clock.wall().unix_seconds();
  MAS_CO_CHECK(co_await deps_.meta.restore(*std::move(object), now));
  log::info("census.deletion_restored", {{"hash", key.hash().hex()}, {"generation", key.major}});
  suspects_.erase({key.hash(), key.major});
  co_return true;
}

void ManifestCensus::forget(const meta::FreedEntry& freed) {
  if (!freed.manifests) return;
  const Version first{freed.manifests->hash, freed.manifests->first};
  const Version last{freed.manifests->hash, freed.manifests->last};
  superseded_.erase(superseded_.lower_bound(first), superseded_.upper_bound(last));
  suspects_.erase(suspects_.lower_bound(first), suspects_.upper_bound(last));
}

Task<Result<std::uint64_t>> ManifestCensus::finish(bool collect_orphaned) {
  std::uint64_t count = 0;
  std::vector<Version> orphaned;
  for (const auto& [version, copies] : suspects_) {
    if (!seen_.contains(version)) continue;
    orphaned.push_back(version);
    count += copies;
  }
  seen_.clear();
  for (const auto& [version, copies] : suspects_) seen_.insert(version);
  std::vector<Version> superseded(superseded_.begin(), superseded_.end());
  superseded_.clear();
  suspects_.clear();
  if (!superseded.empty()) {
    log::info("census.manifests_superseded", {{"manifests", superseded.size()}});
    MAS_CO_CHECK(co_await free_all(std::move(superseded)));
  }
  if (collect_orphaned && !orphaned.empty()) {
    log::warn("census.orphaned_manifests_given_up", {{"manifests", count}});
    MAS_CO_CHECK(co_await free_all(std::move(orphaned)));
  }
  co_return count;
}

Task<Result<void>> ManifestCensus::free_all(std::vector<Version> versions) {
  MAS_CO_CHECK(co_await membership::take_generations(deps_.meta, deps_.watch, 1));
  const std::int64_t now = deps_.clock.wall().unix_seconds();
  std::vector<meta::ManifestRange> ranges;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    ranges.push_back({versions[i].first, versions[i].second, versions[i].second});
    if (ranges.size() < kFreedAtOnce && i + 1 < versions.size()) continue;
    MAS_CO_CHECK(co_await deps_.meta.free_manifests(std::move(ranges), now));
    ranges = {};
  }
  co_return Result<void>();
}

void ManifestCensus::start_again() {
  superseded_.clear();
  suspects_.clear();
}

void ManifestCensus::forget_all() {
  start_again();
  seen_.clear();
}

}  // namespace mas::maintain
