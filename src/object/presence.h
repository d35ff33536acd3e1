// Which shards of stored extents are where they should be: receipts, and the check before a finish.
#pragma once

#include <vector>

#include "object/context.h"
#include "object/placement.h"

namespace mas::object {

struct Presence {
  Durability worst;
  bool unanswered = false;           // a holder could not be asked
  std::vector<std::size_t> too_few;  // indices of extents with a stripe below the write minimum
};

// Asks the holders of every stripe of `extents`; without any, the worst is that of a manifest.
// Never fails: who does not answer holds nothing. Holders that are silent are waited for only where
// the write minimum needs them.
Task<Presence> check_presence(Context& context, std::vector<meta::Extent> extents);

Task<Receipt> make_receipt(Context& context, meta::Object object);

}  // namespace mas::object
