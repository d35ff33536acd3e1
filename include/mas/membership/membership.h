// Membership: hears who is there, decides who is down, and keeps the cluster's layout: founding,
// joining, taking over, leaving, settling. What it knows hangs on the ViewBoard.
//
// A pod goes through: silent (its data directory belongs to somebody else: it says why) or joining
// (beats, waits to be taken in) -> member. A member may be halted: it beats and answers peers, and
// neither collects nor publishes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mas/config/config.h"
#include "mas/fs/fs.h"
#include "mas/membership/cluster_view.h"
#include "mas/membership/heartbeat_bus.h"
#include "mas/membership/prober.h"
#include "mas/meta/meta_store.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/rng.h"

namespace mas::membership {

// What a pod is to walk over.
struct WalkOrder {
  std::uint64_t version = 0;  // of the layout
  // Another number: what was walked before does not count any more, and begins anew.
  std::uint64_t round = 0;
  WalkedSlices others;  // what other pods have found whole
};

// What the rest of the pod answers for when the layout changes. Called on membership's executor;
// each call must end within seconds. An error counts as "no" and is asked again.
class LayoutDuties {
 public:
  virtual ~LayoutDuties() = default;
  // Whether nothing that this pod wrote under a layout older than `version` is known to it alone:
  // it is in a record, in place under `version`, or given up. The pod acknowledges the version when
  // this says yes.
  virtual Task<Result<bool>> writes_drained(std::uint64_t version) = 0;
  // Lets this pod walk its share of all that is stored, in the background, and gives what it has
  // found in place so far, in this round. Called again and again on every pod while the layout
  // changes and every member that is not down has acknowledged `version`; a call says so anew.
  virtual Task<Result<WalkedSlices>> walk(WalkOrder order) = 0;
  // Whether the other members have room for what these slots held.
  [[nodiscard]] virtual bool can_hold_without(const std::vector<std::string>& slots) = 0;
};

struct Room {
  std::uint64_t capacity = 0;  // bytes
  std::uint64_t used = 0;
};

// Who this pod is.
struct Self {
  std::string slot;
  Id128 incarnation;
  std::string api_address;   // host:port, how others reach it
  std::string peer_address;  // the same
  std::string zone;
  std::string software;
  Id128 boot = {};             // another one for each process; zero: one is made of the time
  std::function<Room()> room;  // asked before each beat; must be quick
  // The profile new data gets with that many members; layout::profile_for unless it is fixed.
  std::function<Profile(std::size_t)> profile;
};

// The highest generation that this pod was given or heard of: a metadata store that gives a lower
// one is older than the pod. Thread-safe.
class GenerationWatch {
 public:
  virtual ~GenerationWatch() = default;
  // To be asked before a generation is taken.
  [[nodiscard]] virtual std::uint64_t highest_generation() const = 0;
  // A generation that this pod was given.
  virtual void note_generation(std::uint64_t generation) = 0;
  // The store has never given `known`: from now on it is not believed, until a rebuild has ended.
  virtual void doubt_metadata(std::uint64_t known) = 0;
  [[nodiscard]] virtual bool doubts_metadata() const = 0;
};
// Takes `count` generations, and gives the first. Without a watch the store is believed. Errors:
// those of the store; metadata_unavailable too, if it is not the store that this pod knows.
Task<Result<std::uint64_t>> take_generations(meta::MetaStore& meta, GenerationWatch* watch,
                                             std::uint32_t count);

// All of it outlives the membership. Files `layout` and `generation` are kept in `directory`, which
// start() makes if it is missing; the directory it is in exists.
struct Dependencies {
  HeartbeatBus& bus;
  meta::MetaStore& meta;
  Prober& prober;
  LayoutDuties& duties;
  ViewBoard& board;
  fs::Fs& fs;
  Pool& disk;
  Clock& clock;
  Rng& rng;
  observe::Metrics& metrics;
  std::string directory;
};

class Membership : public GenerationWatch {
 public:
  // Destroyed after close().
  // Reads what the pod kept, shows it on the board, takes over the bus's listener and starts. Once.
  // `executor` runs on one thread; every Task below is called there. Errors: io; corrupt (what was
  // kept is damaged: the message says what to do).
  virtual Task<Result<void>> start(Executor executor) = 0;
  // Reads the layout now: for whoever was told that its own is stale. Errors: those of the store;
  // refused, if this pod is halted.
  virtual Task<Result<void>> refresh() = 0;
  // Goes by `layout`, which another member kept, if it is of this cluster and newer than this pod's
  // own. Errors: refused (another cluster's), io (it is not on this pod's disk).
  virtual Task<Result<void>> take_over(layout::Layout layout) = 0;
  // Ends the loops after the calls they are in, and closes the board.
  virtual Task<void> close() = 0;
};

[[nodiscard]] std::unique_ptr<Membership> make_membership(const config::Cluster& options, Self self,
                                                          Dependencies deps);

}  // namespace mas::membership
