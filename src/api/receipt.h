// What upload answers say: the receipt headers, and records that give nobody else's name away.
#pragma once

#include <string>

#include "api/record.h"
#include "api/reply.h"
#include "mas/object/objects.h"

namespace mas::api {

// Adds Mas-Durable ("6/6") and Mas-Survives ("2").
[[nodiscard]] Reply with_receipt(Reply reply, const object::Receipt& receipt);

// Makes `record` the caller's own: an upload token for content that somebody else stored shows
// neither their name nor when they stored it. `began` and `now` bound the call; a time between them
// is this call's and is kept.
void make_own(FileRecord& record, std::string name, std::int64_t began, std::int64_t now);

}  // namespace mas::api
