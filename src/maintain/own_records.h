// Finds and removes what this pod's store holds of one extent or of one object's manifests.
#pragma once

#include "mas/meta/records.h"
#include "mas/store/store.h"

namespace mas::maintain {

// All shards of `extent`, whatever their stripes and numbers, also those that their disk does not
// give now; returns how many there were.
Task<Result<std::uint64_t>> remove_shards(store::Store& store, Id128 extent);
// The manifests of `range`, whatever their copies; returns how many there were.
Task<Result<std::uint64_t>> remove_manifests(store::Store& store, meta::ManifestRange range);

}  // namespace mas::maintain
