// What the pod answers for when the layout changes: its writes at work, the walk of repair, and
// whether the others have room.
#pragma once

#include <memory>

#include "mas/maintain/settle_walk.h"
#include "mas/membership/membership.h"
#include "mas/object/objects.h"

namespace mas::app {

// All of it outlives the duties.
[[nodiscard]] std::unique_ptr<membership::LayoutDuties> make_layout_duties(
    object::Objects& objects, maintain::SettleWalk& walk, const membership::ViewBoard& board);

}  // namespace mas::app
