// Writing a shard's header, and what both directions share.
#pragma once

#include <vector>

#include "mas/codec/stripe.h"

namespace mas::codec {

// The bytes of `header`, whose sizes are consistent. In aligned memory if padded to whole blocks.
[[nodiscard]] Slice write_header(const ShardHeader& header);

// XXH3-128 of each block of a shard's data.
[[nodiscard]] std::vector<Sum128> sum_blocks(ByteView data);

// Memory for at least `size` bytes: from `buffers` where its size fits (a few bytes shall not hold
// a large buffer).
[[nodiscard]] Buffer take_buffer(BufferPool* buffers, std::size_t size);

}  // namespace mas::codec
