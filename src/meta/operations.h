// The MetaStore calls as functions on ordered keys and values, for the adapters that keep records
// so (memory, embedded). Contracts: meta_store.h. A function that returns an error may have left
// changes in `tx`; its owner drops them.
#pragma once

#include "mas/meta/meta_store.h"
#include "meta/key_value.h"

namespace mas::meta::ops {

// ---- Objects (operations_objects.cc) ----
Result<std::optional<Object>> find(const Reader& db, const Hash& hash);
Result<CommitResult> commit(Transaction& tx, const Object& object, std::uint64_t expected,
                            const std::optional<Id128>& from);
Result<Object> condemn(Transaction& tx, const Hash& hash, std::uint64_t generation,
                       std::uint64_t deletion, std::int64_t now);
Result<void> set_damaged(Transaction& tx, const Hash& hash, std::uint64_t generation, bool damaged);
Result<void> release(Transaction& tx, const Hash& hash, std::uint64_t generation, std::int64_t now);
Result<void> erase(Transaction& tx, const Hash& hash, std::uint64_t generation, std::int64_t now);
Result<Object> restore(Transaction& tx, const Object& object, std::int64_t now);
Result<ObjectPage> list(const Reader& db, const ListQuery& query);
Result<std::vector<Object>> condemned(const Reader& db, std::int64_t before, std::uint32_t limit);
Result<std::vector<Object>> released(const Reader& db, std::uint64_t before, std::uint32_t limit);
Result<std::vector<RecordVersion>> versions(const Reader& db, const std::vector<Hash>& hashes);
inline constexpr std::size_t kMostVersions = 1000;

// ---- The freed list, and who owns which extent (operations_extents.cc) ----
Result<void> free(Transaction& tx, const std::vector<Extent>& extents, std::int64_t now);
Result<void> free_manifests(Transaction& tx, const std::vector<ManifestRange>& manifests,
                            std::int64_t now);
Result<std::vector<bool>> referenced(const Reader& db, const std::vector<Id128>& extents);
Result<std::vector<FreedEntry>> freed(const Reader& db, std::uint64_t after, std::uint32_t limit);
Result<void> collected(Transaction& tx, const std::string& slot, std::uint64_t past,
                       const std::vector<std::string>& slots);
// Its first half, which removes nothing: the sequence that every one of `slots` has passed (0 for
// none).
Result<std::uint64_t> note_collected(Transaction& tx, const std::string& slot, std::uint64_t past,
                                     const std::vector<std::string>& slots);

// ---- Uploads (operations_uploads.cc) ----
Result<Upload> open(Transaction& tx, const Upload& upload);
Result<std::optional<Upload>> find_upload(const Reader& db, const Id128& id);
Result<std::optional<Upload>> find_session(const Reader& db, const Hash& hash,
                                           const std::string& session);
Result<void> register_extent(Transaction& tx, const Id128& upload, const Extent& extent);
Result<PutPartResult> put_part(Transaction& tx, const Id128& upload, const Part& part,
                               std::int64_t expires, std::uint64_t max_total, std::int64_t now,
                               const std::vector<Extent>& lost = {});
Result<void> progress(Transaction& tx, const Id128& upload, const Id128& extent,
                      std::uint64_t durable);
Result<void> drop_parts(Transaction& tx, const Id128& upload, const std::vector<Part>& parts,
                        std::int64_t now);
Result<void> discard(Transaction& tx, const Id128& upload, const std::vector<Extent>& extents,
                     std::int64_t now);
Result<std::vector<Part>> parts(const Reader& db, const Id128& upload, std::uint32_t after,
                                std::uint32_t limit);
Result<bool> advance_hash(Transaction& tx, const Id128& upload, const HashRun& expected,
                          const HashRun& next, const std::vector<Extent>& extents);
Result<void> touch(Transaction& tx, const Id128& upload, std::int64_t expires);
Result<Upload> seal(Transaction& tx, const Id128& upload, std::uint32_t part_count);
Result<void> reopen(Transaction& tx, const Id128& upload);
Result<void> close(Transaction& tx, const Id128& upload, bool even_sealed, std::int64_t now);
Result<bool> expire(Transaction& tx, const Id128& upload, std::uint64_t touches, std::int64_t now);
Result<std::vector<Upload>> sealed(const Reader& db, std::uint32_t limit);
Result<std::vector<Upload>> uploads(const Reader& db, const std::optional<Id128>& after,
                                    std::uint32_t limit);
// Ends `upload`'s record, its parts and its places in all indexes. Of its extents those that it
// still owns are freed.
Result<void> retire(Transaction& tx, const Upload& upload, std::int64_t now);

// ---- Layout and generations (operations_cluster.cc) ----
Result<std::optional<layout::Layout>> current_layout(const Reader& db);
Result<void> propose_layout(Transaction& tx, std::uint64_t expected, const layout::Layout& next);
Result<void> acknowledge_layout(Transaction& tx, const std::string& member, std::uint64_t version);
Result<std::vector<LayoutAck>> layout_acknowledgements(const Reader& db);
// Numbers from a stored counter: the first of `count`. Errors: refused, if it has not given
// `known`.
Result<std::uint64_t> take_numbers(Transaction& tx, std::string_view counter, std::uint64_t known,
                                   std::uint64_t count);
[[nodiscard]] Error never_given(std::uint64_t known);

inline constexpr std::string_view kGenerationCounter = "generation";
inline constexpr std::string_view kFreedCounter = "freed";

}  // namespace mas::meta::ops
