// A whole file in one request.
#pragma once

#include "mas/runtime/byte_stream.h"
#include "object/context.h"

namespace mas::object {

// See Objects::put.
Task<Result<Receipt>> put_object(Context& context, PutRequest request, ByteSource& body);

}  // namespace mas::object
