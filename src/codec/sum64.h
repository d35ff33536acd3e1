// XXH3-64, for the small checks inside codec's own formats.
#pragma once

#include <cstdint>

#include "mas/core/bytes.h"

namespace mas::codec {

[[nodiscard]] std::uint64_t sum64(ByteView bytes);

}  // namespace mas::codec
