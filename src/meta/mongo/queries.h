// The calls whose shape differs from operations.h here: lists found by a field, and walks over many
// records that need no single moment.
#pragma once

#include "mas/meta/meta_store.h"
#include "meta/mongo/attempt.h"

namespace mas::meta::mongo {

// Errors: metadata_unavailable, corrupt.
Result<std::vector<Object>> condemned(Documents& documents, Attempt& now, std::int64_t before,
                                      std::uint32_t limit);
Result<std::vector<Object>> released(Documents& documents, Attempt& now, std::uint64_t before,
                                     std::uint32_t limit);
Result<std::vector<RecordVersion>> versions(const Attempt& now, const std::vector<Hash>& hashes);
Result<std::vector<Upload>> sealed(Documents& documents, Attempt& now, std::uint32_t limit);
// Removes entries of the freed list up to `past` for good. Those that are gone already are fine.
Result<void> drop_collected(Documents& documents, std::uint64_t past);

// Reads with few commands what commit(), or the end of an upload, will look at one by one.
Result<void> warm_commit(const Attempt& now, const Object& object, std::uint64_t expected,
                         const std::optional<Id128>& from);
// The same of release() and free_manifests().
Result<void> warm_release(const Attempt& now, const Hash& hash);
Result<void> warm_manifests(const Attempt& now, const std::vector<ManifestRange>& manifests);
// The same of restore(). Errors also: busy (owners changed meanwhile).
Result<void> warm_restore(Documents& documents, const Attempt& now, const Object& object);
Result<void> warm_end(const Attempt& now, const Id128& upload);
Result<void> warm_drop(const Attempt& now, const Id128& upload, const std::vector<Part>& parts);

}  // namespace mas::meta::mongo
