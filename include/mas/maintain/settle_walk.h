// Whether every shard is where the layout says: what has to be known before the previous holders of
// changed rows are let go.
#pragma once

#include <memory>

#include "mas/membership/cluster_view.h"
#include "mas/meta/meta_store.h"
#include "mas/object/repair.h"
#include "mas/peer/transport.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

// All of it outlives the walk. Batches are looked at on `executor`.
struct SettleDependencies {
  meta::MetaStore& meta;
  object::Upkeep& upkeep;
  const membership::ViewBoard& view;
  Clock& clock;
  Executor executor;
  peer::PeerTransport& transport;
};

// Goes through everything that is stored, by this pod alone, and repairs nothing: the owners of the
// slices do that meanwhile.
class SettleWalk {
 public:
  virtual ~SettleWalk() = default;
  // Whether a walk begun after `since`, under layout `version`, has found every shard in place; one
  // is begun if there is none. What is known to be beyond repair does not count. Thread-safe.
  virtual bool complete(std::uint64_t version, Instant since) = 0;
  // Whether a walk is under way.
  [[nodiscard]] virtual bool running() const = 0;
  // Ends the walk under way.
  virtual Task<void> close() = 0;
};

[[nodiscard]] std::unique_ptr<SettleWalk> make_settle_walk(const SettleDependencies& deps);

}  // namespace mas::maintain
