// Waiting for an Event that may not come in time.
#pragma once

#include <memory>

#include "mas/runtime/clock.h"
#include "mas/runtime/sync.h"

namespace mas::object {

// Resumes when `event` is set or `patience` is over, in which case it sets `event` itself: make one
// for each wait, and look elsewhere for what happened.
Task<void> wait_at_most(Clock& clock, std::shared_ptr<Event> event, Duration patience);

}  // namespace mas::object
