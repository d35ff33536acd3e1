// Units: summed, compressed where it pays, and joined.
#pragma once

#include <cstdint>
#include <vector>

#include "mas/codec/stripe.h"

namespace mas::codec {

// Sums each unit of `stripe` and joins their stored forms in place: afterwards the first (sum of
// stored) bytes are the joined stripe. `unit` is from 1 to stripe.size().
[[nodiscard]] std::vector<UnitInfo> join_units(MutableBytes stripe, std::size_t unit,
                                               bool compress);

}  // namespace mas::codec
