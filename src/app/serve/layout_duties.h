// What the pod answers for when the layout changes: its writes at work, the walk of repair, and
// whether the others have room.
#pragma once

#include <memory>

#include "mas/membership/membership.h"
#include "mas/object/objects.h"

namespace mas::app {

// Both outlive it.
[[nodiscard]] std::unique_ptr<membership::LayoutDuties> make_layout_duties(
    object::Objects& objects, const membership::ViewBoard& board);

}  // namespace mas::app
