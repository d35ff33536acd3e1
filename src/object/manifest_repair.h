// The manifests of objects, and of their deletions: where their copies are, and writing those that
// are absent.
#pragma once

#include <vector>

#include "mas/object/repair.h"
#include "object/context.h"

namespace mas::object {

// See Upkeep.
Task<std::vector<Standing>> inspect_manifests(Context& context, std::vector<meta::Object> objects);
Task<Result<Mended>> repair_manifest(Context& context, meta::Object object);

}  // namespace mas::object
