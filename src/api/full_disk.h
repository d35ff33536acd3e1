// What an upload that finds the disk full is told.
#pragma once

#include "api/reply.h"
#include "mas/maintain/freed_board.h"

namespace mas::api {

// Adds to the refusal `reply`, of code disk_full, how much room this pod gets back and when, and
// asks to come back no earlier than that. `freed` null: nothing is known of that.
void explain_full_disk(Reply& reply, const maintain::FreedBoard* freed);

}  // namespace mas::api
