// Hand-over: the records of one metadata store, carried into an empty one that takes its place.
//
// Every step may be repeated: it is stopped and started again at any point, and what is there
// already is left. The layout is carried last, so a store that has one holds all the rest.
#pragma once

#include <cstdint>

#include "mas/meta/meta_store.h"

namespace mas::meta {

struct HandedOver {
  std::uint64_t objects = 0;
  std::uint64_t uploads = 0;
  std::uint64_t parts = 0;
  std::uint64_t freed = 0;
  bool already = false;  // `to` had the layout of `from`'s cluster: nothing was carried
};

// Carries objects (deleted ones too), open and sealed uploads with their parts, freed extents, the
// generation counter and the layout from `from`, which nobody else uses meanwhile, to `to`, and
// compares both before the layout is written. Hashes over the parts of an upload are not carried;
// they are computed again. Errors: refused (`from` has no layout, or `to` has one of another
// cluster); conflict (`to` holds records that `from` does not: it was not empty); those of the
// stores.
Task<Result<HandedOver>> hand_over(MetaStore& from, MetaStore& to);

}  // namespace mas::meta
