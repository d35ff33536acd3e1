// One part of a session.
#pragma once

#include "mas/runtime/byte_stream.h"
#include "object/hash_chaser.h"

namespace mas::object {

// See Objects::put_part.
Task<Result<PartResult>> put_part(Context& context, HashChaser& chaser, SessionKey key,
                                  PartRequest request, ByteSource& body);

[[nodiscard]] Error upload_not_open();

}  // namespace mas::object
