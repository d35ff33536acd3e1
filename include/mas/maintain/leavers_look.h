// Whether what is stored is in place without those who have left the layout: what has to be known
// before their data directories may be emptied.
#pragma once

#include <memory>

#include "mas/membership/leavers.h"
#include "mas/meta/meta_store.h"
#include "mas/object/repair.h"
#include "mas/peer/transport.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

// All of it outlives the look. Batches are looked at on `executor`.
struct LookDependencies {
  meta::MetaStore& meta;
  object::Upkeep& upkeep;
  const membership::ViewBoard& view;
  Clock& clock;
  Executor executor;
  peer::PeerTransport& transport;
};

// Goes through everything that is stored, by this pod alone and slice by slice, and repairs nothing
// but stripes of open uploads of which too little is left: only trying tells whether those who have
// left still have the rest. A slice that was found whole is not looked at again under the same
// layout. After a look that missed something another is begun half a minute later, or four times as
// long as it took. Stripes of files that are marked damaged do not count: everybody was asked
// before they were marked.
class LeaversLook : public membership::LeaversLook {
 public:
  // Ends the look under way.
  virtual Task<void> close() = 0;
};

[[nodiscard]] std::unique_ptr<LeaversLook> make_leavers_look(const LookDependencies& deps);

}  // namespace mas::maintain
