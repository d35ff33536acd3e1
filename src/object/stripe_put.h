// An object of one stripe: no upload record, the manifest in the shard headers, so that storing it
// costs one write of the shards and one commit.
#pragma once

#include "object/body_reader.h"
#include "object/context.h"

namespace mas::object {

// Publishes `piece`, the whole content. Errors: hash_mismatch, those of publish().
Task<Result<Receipt>> put_stripe(Context& context, PutRequest request, Piece piece);

// The digest of a piece: on this thread if it is small, else in the CPU pool.
Task<Result<Hash>> digest_of(Context& context, ByteView bytes);

// The name of what was read to its end and has this hash.
[[nodiscard]] Result<std::string> name_of(const PutRequest& request, const Hash& hash);

[[nodiscard]] Error hash_mismatch();

}  // namespace mas::object
