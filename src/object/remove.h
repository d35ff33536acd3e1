// Deleting an object.
#pragma once

#include "object/context.h"

namespace mas::object {

// See Objects::remove.
Task<Result<void>> remove_object(Context& context, Hash hash);

}  // namespace mas::object
