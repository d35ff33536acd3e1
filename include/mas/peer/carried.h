// The record of an object of one stripe, which each of its shards carries in its header.
#pragma once

#include <string>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/runtime/task.h"
#include "mas/store/store.h"

namespace mas::peer {

// What stands in the header of a shard that `store` holds (meta::decode_object); "" for nothing.
// Reads 4 KiB, or up to 1 MiB where the header is that long. Errors: not_found, io; corrupt, if
// there is no header of this shard to be read.
[[nodiscard]] Task<Result<std::string>> carried_by(store::Store& store, RecordKey shard);

}  // namespace mas::peer
