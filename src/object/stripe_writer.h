// Sends the shards of one encoded stripe (or the copies of a manifest) to their holders.
#pragma once

#include <vector>

#include "mas/codec/stripe.h"
#include "object/context.h"
#include "object/placement.h"

namespace mas::object {

// Resumes when every holder has answered, or when write_minimum() of them have stored it and the
// others were silent for config::Write::straggler_wait longer. Errors: disk_full, busy,
// too_few_pods_write. What holders that fail or stay silent miss is left to repair.
Task<Result<Durability>> write_stripe(Context& context, const meta::Extent& extent,
                                      std::uint64_t number, codec::EncodedStripe stripe);

// The same for the manifest of `object`, as m + 1 copies in the row of its hash.
Task<Result<Durability>> write_manifest(Context& context, const meta::Object& object);

}  // namespace mas::object
