#include "sim/bugs.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mas::sim {
namespace {

struct Named {
  Bug bug;
  std::string_view name;
};

constexpr std::array kNames{
    Named{Bug::segment_sync_dropped, "segment-sync-dropped"},
    Named{Bug::segment_entry_sync_dropped, "segment-entry-sync-dropped"},
    Named{Bug::volume_entry_sync_dropped, "volume-entry-sync-dropped"},
    Named{Bug::failed_sync_retried, "failed-sync-retried"},
    Named{Bug::shard_answered_before_durable, "shard-answered-before-durable"},
    Named{Bug::missing_shards_counted, "missing-shards-counted"},
    Named{Bug::tombstones_forgotten, "tombstones-forgotten"},
    Named{Bug::erase_ignores_generation, "erase-ignores-generation"},
    Named{Bug::deletion_not_written, "deletion-not-written"},
    Named{Bug::stale_records, "stale-records"},
    Named{Bug::commit_not_written, "commit-not-written"},
    Named{Bug::collection_by_age, "collection-by-age"},
    Named{Bug::repair_not_done, "repair-not-done"},
    Named{Bug::everything_held, "everything-held"},
    Named{Bug::collected_by_one, "collected-by-one"},
    Named{Bug::take_over_unseen, "take-over-unseen"},
    Named{Bug::settled_unwalked, "settled-unwalked"},
    Named{Bug::presence_remembered, "presence-remembered"},
    Named{Bug::scrub_blind, "scrub-blind"},
    Named{Bug::manifests_left, "manifests-left"},
    Named{Bug::never_settled, "never-settled"},
    Named{Bug::expiry_by_wall_clock, "expiry-by-wall-clock"},
    Named{Bug::hash_run_unchecked, "hash-run-unchecked"},
    Named{Bug::references_forgotten, "references-forgotten"},
    Named{Bug::leavers_let_go, "leavers-let-go"},
};

}  // namespace

std::optional<Bug> find_bug(std::string_view name) {
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const Named& named) { return named.name == name; });
  if (found == kNames.end()) return std::nullopt;
  return found->bug;
}

std::string_view name_of(Bug bug) {
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const Named& named) { return named.bug == bug; });
  return found == kNames.end() ? "none" : found->name;
}

std::vector<Bug> all_bugs() {
  std::vector<Bug> bugs;
  for (const Named& named : kNames) bugs.push_back(named.bug);
  return bugs;
}

}  // namespace mas::sim
