// Merges what was found into the metadata store, a batch of hashes at a time.
#pragma once

#include <map>
#include <vector>

#include "maintain/rebuild/carried_walk.h"
#include "maintain/rebuild/progress.h"
#include "maintain/rebuild/rules.h"

namespace mas::maintain::rebuild {

class Merger {
 public:
  Merger(const RebuildDependencies& deps, Pods& pods, Progress& progress)
      : deps_(deps), pods_(pods), progress_(progress) {}

  // All manifests of some hashes.
  Task<Result<void>> merge_manifests(std::vector<Versions> batch);
  // Live records out of headers, after all manifests were merged.
  Task<Result<void>> merge_headers(std::vector<Candidate> batch);

 private:
  struct Entry {
    Versions versions;
    std::optional<meta::Object> stored;
    Verdict verdict;
    std::size_t at = 0;  // candidate that is being tried
    bool done = false;   // one was restored
    std::string why;     // why the first one was not
  };
  // The worst stripe of the candidate that an entry is at.
  struct Shortage {
    int found = 0;
    int needed = 0;
  };

  Task<Result<void>> merge(std::vector<Entry> entries);
  Task<void> look_up(Entry& entry);
  Task<void> find_deletion(Entry& entry);
  Task<void> restore_deletion(Entry& entry);
  Task<Result<void>> try_candidates(std::vector<Entry>& entries);
  Task<Result<std::map<Entry*, Shortage>>> find_short(const std::vector<Entry*>& trying);
  Task<void> restore_candidate(Entry& entry);
  Result<void> conclude(const std::vector<Entry>& entries);
  [[nodiscard]] std::int64_t now() const { return deps_.clock.wall().unix_seconds(); }

  // Runs `work(entry)` on all of them, some at once; gives the first error.
  Task<Result<void>> for_each(std::vector<Entry*> entries, Task<void> (Merger::*work)(Entry&));
  Task<void> lane(const std::vector<Entry*>& entries, std::size_t& next,
                  Task<void> (Merger::*work)(Entry&));

  const RebuildDependencies& deps_;
  Pods& pods_;
  Progress& progress_;
  Result<void> failed_;
  // Hashes with a generation that nobody can read any more.
  std::map<Hash, std::uint64_t> doubtful_;
};

}  // namespace mas::maintain::rebuild
