// Looking an object up, through the cache of records where that is allowed.
#pragma once

#include "object/context.h"

namespace mas::object {

// See Objects::find.
Task<Result<meta::Object>> find_object(Context& context, Hash hash, bool fresh);

[[nodiscard]] Error no_such_file();

}  // namespace mas::object
