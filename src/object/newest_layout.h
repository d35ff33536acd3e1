// Whether what a pod has found out about shards holds: only the newest layout says where they are.
#pragma once

#include <cstdint>

#include "mas/runtime/task.h"

namespace mas::object {

struct Context;

// To be asked after a look that went by layout `version` and found too few shards, before anything
// is concluded from that. False if there is a newer layout by now, which this pod has yet to hear
// of or had not heard of when it looked: shards may be with members that it did not ask. False,
// too, if the metadata store does not say.
Task<bool> went_by_newest_layout(Context& context, std::uint64_t version);

}  // namespace mas::object
