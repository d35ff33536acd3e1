// Bytes of an object into a sink.
#pragma once

#include "mas/runtime/byte_stream.h"
#include "object/context.h"

namespace mas::object {

// See Objects::get.
Task<Result<void>> download(Context& context, meta::Object object, std::uint64_t from,
                            std::uint64_t length, ByteSink& sink);

}  // namespace mas::object
