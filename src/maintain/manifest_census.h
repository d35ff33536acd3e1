// The census of the manifests that this pod holds, against the records of their hashes.
//
// Superseded is a manifest below the generation of its hash's record that is not on the freed list:
// what a crash left, or a version of mas before 0.2.0, which did not list manifests. It is listed.
//
// Orphaned is one without a record, or above its record, at two passes in a row: a commit under way
// is in that state until its record is written. Only an operator's word removes it, for it may be
// the metadata that is wrong.
//
// But for an orphaned deletion: versions before 0.2.0 erased the records of deleted files while
// other pods still held manifests of them. The deletion gets its record back and ends as all do:
// with everything that came before it first, and itself last.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "mas/maintain/scheduler.h"

namespace mas::maintain {

class ManifestCensus {
 public:
  explicit ManifestCensus(const Dependencies& deps) : deps_(deps) {}

  // Looks at the manifests among `page`, records of the store. Returns those that records go by.
  // Errors: those of the metadata and of the store.
  Task<Result<std::set<RecordKey>>> look_at(std::vector<store::RecordInfo> page);
  // Whether finish() depends on what is on the freed list.
  [[nodiscard]] bool asks_for_freed() const { return !superseded_.empty() || !suspects_.empty(); }
  // `freed` is on the list: what it names is accounted for.
  void forget(const meta::FreedEntry& freed);
  // Ends a pass, after all of the freed list was told. Returns how many of this pod's manifests are
  // orphaned; with `collect_orphaned` these are listed as freed.
  Task<Result<std::uint64_t>> finish(bool collect_orphaned);
  // A pass begins; what the last one found is kept if it was finished.
  void start_again();
  // What was seen before counts for nothing.
  void forget_all();

 private:
  using Version = std::pair<Hash, std::uint64_t>;  // a hash and a generation

  void judge(const RecordKey& key, const meta::RecordVersion& record, std::set<RecordKey>& needed);
  Task<Result<bool>> restore_deletion(RecordKey key);
  Task<Result<void>> free_all(std::vector<Version> versions);

  Dependencies deps_;
  std::set<Version> superseded_;               // of this pass
  std::map<Version, std::uint64_t> suspects_;  // of this pass, with the copies this pod has
  std::set<Version> seen_;                     // suspects of the last pass that were not freed
};

}  // namespace mas::maintain
