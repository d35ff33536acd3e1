// Whether a stored record's bytes are what a reader can use, judged where they lie.
#pragma once

#include "mas/core/bytes.h"
#include "mas/core/ids.h"

namespace mas::peer {

// A shard: its header is whole and of this key, every block has its checksum and, where one shard
// is the whole stripe, every unit its plain sum. A manifest: it can be read and is of this key.
[[nodiscard]] bool is_intact(const RecordKey& key, const Slice& record);

}  // namespace mas::peer
