// Whether every shard is where the layout says: what has to be known before the previous holders of
// changed rows are let go. Each pod walks its own slices, and says in its heartbeats what it found.
#pragma once

#include <memory>

#include "mas/membership/membership.h"
#include "mas/meta/meta_store.h"
#include "mas/object/repair.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

// All of it outlives the walk. Batches are looked at on `executor`.
struct SettleDependencies {
  meta::MetaStore& meta;
  object::Upkeep& upkeep;
  const membership::ViewBoard& view;
  Clock& clock;
  Executor executor;
  // Bytes a second that it may repair where only a repair tells whether anything is left.
  std::uint64_t repair_rate = 64 * kMiB;
};

// Goes through the slices that fall to this pod, and looks at stripes and manifests of rows that
// change or hold a member that began empty. It leaves repairing to the repair worker, but for
// stripes of which the row has fewer shards than it takes to read them: what is beyond repair
// counts as in place, and trying is how one knows. A slice found whole is not walked again in this
// round; one that missed something is, and nothing else is.
class SettleWalk {
 public:
  virtual ~SettleWalk() = default;
  // Sees to it that a walk is under way, if there is anything to walk, and gives what this pod has
  // found whole so far in this round. Objects are walked when all slices of uploads were found
  // whole, by whichever pod. Thread-safe.
  virtual membership::WalkedSlices go_on(membership::WalkOrder order) = 0;
  // Whether a walk is under way.
  [[nodiscard]] virtual bool running() const = 0;
  // Ends the walk under way.
  virtual Task<void> close() = 0;
};

[[nodiscard]] std::unique_ptr<SettleWalk> make_settle_walk(const SettleDependencies& deps);

}  // namespace mas::maintain
