// What an upload that finds the disk full is told.
#pragma once

#include "api/reply.h"
#include "mas/api/api.h"

namespace mas::api {

// Adds to the refusal `reply`, of code disk_full, how much room this pod gets back and when, and
// asks to come back no earlier than that. `freed` null: nothing is known of that.
void explain_full_disk(Reply& reply, const maintain::FreedBoard* freed);
// Has it looked now what waits to be freed, unless that was done just before or is paused: whoever
// finds the disk full, or deletes to make room then, is not to be told what was so ten minutes ago.
void look_what_waits(const Dependencies& deps);
// The disk was found full.
void note_full_disk(const Dependencies& deps);
// Whether an operator has paused the worker that frees what was deleted.
[[nodiscard]] bool is_collection_paused(const maintain::Scheduler& workers);
inline constexpr std::string_view kCollection = "collect";  // its name

}  // namespace mas::api
