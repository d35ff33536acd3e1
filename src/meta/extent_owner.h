// Who owns each extent: an upload (as registered or in a part), an object, or the list of freed
// ones. Every extent mas knows has exactly one owner, so that nothing that is referred to is ever
// freed, and nothing freed is ever published.
#pragma once

#include "mas/meta/records.h"
#include "meta/key_value.h"

namespace mas::meta {

enum class OwnerKind : char { none = 0, upload = 'u', object = 'o', freed = 'f' };

struct Owner {
  OwnerKind kind = OwnerKind::none;
  std::string name;  // id or hash bytes; empty for freed and none

  [[nodiscard]] static Owner of(const Id128& upload);
  [[nodiscard]] static Owner of(const Hash& object);
  [[nodiscard]] Id128 upload() const;  // of kind upload
  friend bool operator==(const Owner&, const Owner&) = default;
};

[[nodiscard]] Result<Owner> owner_of(const Reader& db, const Id128& extent);
void set_owner(Transaction& tx, const Id128& extent, const Owner& owner);
// In place of the time at which an extent was freed that never was part of a file: collection need
// not wait for readers then.
inline constexpr std::int64_t kNeverPublished = 0;

// Lists those of `extents` as freed that `owner` owns (none: those that nobody does); others are
// left alone.
[[nodiscard]] Result<void> free_owned(Transaction& tx, const std::vector<Extent>& extents,
                                      const Owner& owner, std::int64_t now);
// Lists `manifests` as freed, and returns the sequence of the last one. There must be at least one.
[[nodiscard]] Result<std::uint64_t> list_manifests(Transaction& tx,
                                                   const std::vector<ManifestRange>& manifests,
                                                   std::int64_t now);

}  // namespace mas::meta
