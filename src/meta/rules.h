// What may follow what: the decisions behind every compare-and-set, as pure functions on records.
// All adapters apply these, so that none has rules of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "mas/meta/records.h"

namespace mas::meta::rules {

enum class CommitVerdict {
  create,   // there is no record
  replace,  // the record there gives way; its extents are freed
  repeat,   // this very commit happened before
  lose,     // what is there stands
};
[[nodiscard]] CommitVerdict judge_commit(const std::optional<Object>& current, const Object& next,
                                         std::uint64_t expected);

// The condemned form of `current`. Errors: conflict, no_such_file. A repeat gives `current` back.
[[nodiscard]] Result<Object> condemn(const std::optional<Object>& current, std::uint64_t generation,
                                     std::uint64_t deletion, std::int64_t now);

// Errors: conflict, no_such_file.
[[nodiscard]] Result<Object> set_damaged(const std::optional<Object>& current,
                                         std::uint64_t generation, bool damaged);

// The record without what it refers to; nullopt if that was done, or there is none. `released` of
// it is to be filled in. Errors: conflict.
[[nodiscard]] Result<std::optional<Object>> release(const std::optional<Object>& current,
                                                    std::uint64_t generation);

// True if the record is to be removed, false if there is none. Errors: conflict (also if it is not
// released).
[[nodiscard]] Result<bool> may_erase(const std::optional<Object>& current,
                                     std::uint64_t generation);

// Registers `extent` with `upload`. Errors: upload_not_open, body_too_large (kMostExtents).
[[nodiscard]] Result<void> register_extent(Upload& upload, const Extent& extent);

// A sign of life: raises `touches`, and `expires` if it would not fall.
void touch(Upload& upload, std::int64_t expires);

// Raises what is durable of a registered extent; one that is registered no longer is left alone.
// Errors: upload_not_open.
[[nodiscard]] Result<void> progress(Upload& upload, const Id128& extent, std::uint64_t durable);

// What put_part does to an upload.
struct PartOutcome {
  Part winner;
  bool recorded = false;  // the part's record is `winner` from now on
  std::vector<Extent> freed;
};
// Changes `upload` (stored, part_count, run, registered, touches, expires) as well. `previous` is
// the part recorded under that number; one with the extents `lost` does not win. Errors:
// upload_not_open, body_too_large, conflict (an extent is neither registered nor already the
// recorded part's); then `upload` is as it was.
[[nodiscard]] Result<PartOutcome> put_part(Upload& upload, const std::optional<Part>& previous,
                                           const Part& part, std::int64_t expires,
                                           std::uint64_t max_total,
                                           const std::vector<Extent>& lost = {});

enum class AdvanceVerdict {
  advance,  // the run becomes `next`
  repeat,   // it is `next` already
  lose,     // it is something else, or `next` does not follow from `expected`
};
// `part`: the one recorded under number `next.parts`, whose extents must be `extents`. An empty
// `next` starts the run again.
[[nodiscard]] AdvanceVerdict judge_advance(const Upload& upload, const std::optional<Part>& part,
                                           const HashRun& expected, const HashRun& next,
                                           const std::vector<Extent>& extents);

// Takes `part`, which is recorded, out of `upload` (stored, part_count, run). The upload is open.
void drop_part(Upload& upload, const Part& part);

// open -> sealed. `higher_part`: whether a part above `part_count` is recorded. Errors:
// upload_not_open, conflict.
[[nodiscard]] Result<void> seal(Upload& upload, std::uint32_t part_count, bool higher_part);

// Whether close may drop it. Errors: conflict.
[[nodiscard]] Result<void> may_close(const Upload& upload, bool even_sealed);

// Whether it is open still and nobody has touched it since it had `touches`.
[[nodiscard]] bool may_expire(const Upload& upload, std::uint64_t touches);

[[nodiscard]] std::vector<Extent> extents_of(const std::vector<Registered>& registered);
[[nodiscard]] std::set<Id128> ids_of(const std::vector<Extent>& extents);
// The same extents by id and order; lengths come later than ids.
[[nodiscard]] bool same_ids(const std::vector<Extent>& a, const std::vector<Extent>& b);

[[nodiscard]] Error not_open();

}  // namespace mas::meta::rules
