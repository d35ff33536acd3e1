// What a pod of a cluster waits for and looks for among the others, whatever carries its calls.
#pragma once

#include <functional>
#include <optional>

#include "mas/layout/layout.h"
#include "mas/membership/cluster_view.h"
#include "mas/runtime/task.h"

namespace mas::app {

// Asks a member for the layout it goes by.
using LayoutOf = std::function<Task<Result<layout::Layout>>(layout::MemberIndex)>;

// The highest layout that a live member says it goes by, if that is above the board's own. Errors:
// those of asking the member that has it.
[[nodiscard]] Task<Result<std::optional<layout::Layout>>> find_newer_layout(
    membership::ViewBoard& board, LayoutOf layout_of);

// Until this pod has its place in a layout that the metadata store confirmed. False: the board was
// closed first.
[[nodiscard]] Task<bool> becomes_member(membership::ViewBoard& board);

}  // namespace mas::app
