// Whether what is stored is in place without those who have left the layout: what has to be known
// before their data directories may be emptied.
#pragma once

#include <memory>

#include "mas/maintain/settle_walk.h"
#include "mas/membership/leavers.h"

namespace mas::maintain {

// Goes through everything that is stored, by this pod alone, and repairs nothing. A look ends at
// the first stripe that is not whole. After one that was incomplete another is begun half a minute
// later, or four times as long as it took. Stripes of files that are marked damaged do not count:
// everybody was asked before they were marked.
class LeaversLook : public membership::LeaversLook {
 public:
  // Ends the look under way.
  virtual Task<void> close() = 0;
};

[[nodiscard]] std::unique_ptr<LeaversLook> make_leavers_look(const SettleDependencies& deps);

}  // namespace mas::maintain
