// Bugs planted on purpose, to see that the simulation finds them. Each is a seam that breaks one
// promise; mas itself knows nothing of them.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mas/maintain/repair.h"
#include "mas/membership/membership.h"
#include "mas/meta/meta_store.h"
#include "mas/peer/transport.h"
#include "mas/store/store.h"
#include "sim/world.h"

namespace mas::sim {

class Life;

enum class Bug {
  none,
  segment_sync_dropped,           // a frame is answered without its fdatasync
  segment_entry_sync_dropped,     // a new segment's directory entry is not synced
  volume_entry_sync_dropped,      // nor that of the file that says whose the volume is
  failed_sync_retried,            // an fdatasync that failed is tried again and believed
  shard_answered_before_durable,  // a pod answers a shard once it has it in memory
  missing_shards_counted,         // a commit before the quorum: shards not stored count as stored
  tombstones_forgotten,           // what is removed comes back at the next start
  erase_ignores_generation,       // a skipped version check: an old deletion ends a new upload
  deletion_not_written,           // a deletion is answered, and not always written
  stale_records,                  // records are read from a copy that lags behind
  commit_not_written,             // a commit is answered by a minority, and sometimes rolled back
  collection_by_age,              // shards no object refers to go once they are old
  repair_not_done,                // a repair is counted without a look at what came of it
  everything_held,                // a pod says of every shard that it has it
  collected_by_one,               // what one pod has collected leaves the list for all
  take_over_unseen,               // a slot is taken over without a higher layout version
  settled_unwalked,               // previous holders are dropped before a walk
  presence_remembered,            // who had a shard once is taken to have it for ever
  scrub_blind,                    // scrub says that all is well, and has not looked
  manifests_left,                 // collection removes shards, and leaves manifests
  never_settled,                  // previous holders are never known to be needed no more
  expiry_by_wall_clock,           // one pod's clock ends the uploads of all
  hash_run_unchecked,             // a hash goes on from what it was not computed over
  references_forgotten,           // collection does not ask whether something refers to an extent
  leavers_let_go,                 // who leaves or is taken over is given up; so is a lone pod
};

// By name, as `--plant` takes it; nullopt for anything else.
[[nodiscard]] std::optional<Bug> find_bug(std::string_view name);
[[nodiscard]] std::string_view name_of(Bug bug);
// Those that such a run finds.
[[nodiscard]] std::vector<Bug> all_bugs();

// The seams with `bug` in them; what has nothing to do with it is given back as it is. Those of the
// disk are in disk.cc.
[[nodiscard]] std::unique_ptr<meta::MetaStore> plant(Bug bug, Life& life,
                                                     std::unique_ptr<meta::MetaStore> meta);
[[nodiscard]] std::unique_ptr<store::Store> plant(Bug bug, std::unique_ptr<store::Store> store);
// `transport`: a pod's own store as others reach it.
[[nodiscard]] std::unique_ptr<peer::PeerTransport> plant_in_server(
    Bug bug, Life& life, std::unique_ptr<peer::PeerTransport> transport);
// `transport`: how a pod reaches the others.
[[nodiscard]] std::unique_ptr<peer::PeerTransport> plant_in_client(
    Bug bug, std::unique_ptr<peer::PeerTransport> transport);
// `upkeep`: what repair is done with. nullptr where there is nothing of the bug in it; it refers to
// the inner one.
[[nodiscard]] std::unique_ptr<object::Upkeep> plant(Bug bug, object::Upkeep& upkeep);
[[nodiscard]] std::unique_ptr<membership::LayoutDuties> plant(
    Bug bug, std::unique_ptr<membership::LayoutDuties> duties);
// nullptr, or a worker more.
[[nodiscard]] std::unique_ptr<maintain::Worker> planted_worker(Bug bug,
                                                               maintain::Dependencies deps);

}  // namespace mas::sim
