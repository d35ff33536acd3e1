#include <algorithm>

#include "meta/extent_owner.h"
#include "meta/keys.h"
#include "meta/operations.h"

namespace mas::meta {

Owner Owner::of(const Id128& upload) {
  return {OwnerKind::upload, std::string(as_text(upload.bytes))};
}
Owner Owner::of(const Hash& object) {
  return {OwnerKind::object, std::string(as_text(object.bytes))};
}

Id128 Owner::upload() const {
  Id128 id;
  std::copy_n(name.begin(), std::min(name.size(), id.bytes.size()), id.bytes.begin());
  return id;
}

Result<Owner> owner_of(const Reader& db, const Id128& extent) {
  MAS_TRY(auto value, db.get(keys::owner(extent)));
  if (!value) return Owner{};
  Owner owner;
  if (!value->empty()) {
    owner.kind = static_cast<OwnerKind>(value->front());
    owner.name = value->substr(1);
  }
  bool valid = (owner.kind == OwnerKind::upload && owner.name.size() == sizeof(Id128)) ||
               (owner.kind == OwnerKind::object && owner.name.size() == sizeof(Hash)) ||
               (owner.kind == OwnerKind::freed && owner.name.empty());
  if (!valid) return Error(Code::corrupt, "The owner of an extent cannot be read.");
  return owner;
}

void set_owner(Transaction& tx, const Id128& extent, const Owner& owner) {
  tx.put(keys::owner(extent), static_cast<char>(owner.kind) + owner.name);
}

Result<void> free_owned(Transaction& tx, const std::vector<Extent>& extents, const Owner& owner,
                        std::int64_t now) {
  std::vector<const Extent*> owned;
  for (const Extent& extent : extents) {
    MAS_TRY(Owner current, owner_of(tx, extent.id));
    if (current != owner) continue;
    set_owner(tx, extent.id, Owner{OwnerKind::freed, {}});
    owned.push_back(&extent);
  }
  if (owned.empty()) return {};
  // What an upload still has never became part of a file: nobody reads it.
  if (owner.kind == OwnerKind::upload) now = kNeverPublished;
  if (owner.kind == OwnerKind::object && now == kNeverPublished) ++now;
  MAS_TRY(std::uint64_t sequence, ops::take_numbers(tx, ops::kFreedCounter, 0, owned.size()));
  for (const Extent* extent : owned) {
    tx.put(keys::freed(sequence), encode(FreedEntry{sequence, *extent, now}));
    ++sequence;
  }
  return {};
}

Result<std::uint64_t> list_manifests(Transaction& tx, const std::vector<ManifestRange>& manifests,
                                     std::int64_t now) {
  MAS_ASSERT(!manifests.empty());
  MAS_TRY(std::uint64_t sequence, ops::take_numbers(tx, ops::kFreedCounter, 0, manifests.size()));
  for (const ManifestRange& range : manifests) {
    tx.put(keys::freed(sequence), encode(FreedEntry{sequence, {}, now, range}));
    ++sequence;
  }
  return sequence - 1;
}

namespace ops {

Result<void> free(Transaction& tx, const std::vector<Extent>& extents, std::int64_t now) {
  return free_owned(tx, extents, Owner{}, now);
}

Result<void> free_manifests(Transaction& tx, const std::vector<ManifestRange>& manifests,
                            std::int64_t now) {
  std::vector<ManifestRange> unneeded;
  for (const ManifestRange& range : manifests) {
    MAS_TRY(auto record, find(tx, range.hash));
    bool needed = record && range.covers(record->hash, record->generation);
    if (!needed) unneeded.push_back(range);
  }
  if (unneeded.empty()) return {};
  MAS_CHECK(list_manifests(tx, unneeded, now));
  return {};
}

Result<std::vector<bool>> referenced(const Reader& db, const std::vector<Id128>& extents) {
  std::vector<bool> answers;
  answers.reserve(extents.size());
  for (const Id128& extent : extents) {
    MAS_TRY(Owner owner, owner_of(db, extent));
    answers.push_back(owner.kind == OwnerKind::upload || owner.kind == OwnerKind::object);
  }
  return answers;
}

Result<std::vector<FreedEntry>> freed(const Reader& db, std::uint64_t after, std::uint32_t limit) {
  std::vector<FreedEntry> found;
  if (limit == 0 || after == UINT64_MAX) return found;
  auto visit = [&](std::string_view, std::string_view value) -> Result<bool> {
    MAS_TRY(FreedEntry entry, decode_freed(value));
    found.push_back(entry);
    return found.size() < limit;
  };
  MAS_CHECK(db.scan(keys::freed(after + 1), keys::end(keys::kFreed), visit));
  return found;
}

namespace {

Result<std::uint64_t> passed_by(const Reader& db, const std::string& slot) {
  MAS_TRY(auto value, db.get(keys::collected(slot)));
  if (!value) return std::uint64_t{0};
  MAS_TRY(std::uint64_t past, read_number(*value));
  return past;
}

}  // namespace

Result<std::uint64_t> note_collected(Transaction& tx, const std::string& slot, std::uint64_t past,
                                     const std::vector<std::string>& slots) {
  MAS_TRY(std::uint64_t before, passed_by(tx, slot));
  if (past > before) tx.put(keys::collected(slot), write_number(past));
  if (slots.empty()) return std::uint64_t{0};
  std::uint64_t everyone = UINT64_MAX;
  for (const std::string& name : slots) {
    MAS_TRY(std::uint64_t theirs, passed_by(tx, name));
    everyone = std::min(everyone, theirs);
  }
  return everyone == UINT64_MAX ? 0 : everyone;
}

Result<void> collected(Transaction& tx, const std::string& slot, std::uint64_t past,
                       const std::vector<std::string>& slots) {
  MAS_TRY(std::uint64_t everyone, note_collected(tx, slot, past, slots));
  if (everyone == 0) return {};
  std::vector<FreedEntry> gone;
  auto visit = [&](std::string_view, std::string_view value) -> Result<bool> {
    MAS_TRY(FreedEntry entry, decode_freed(value));
    gone.push_back(entry);
    return true;
  };
  MAS_CHECK(tx.scan(keys::freed(0), keys::freed(everyone + 1), visit));
  for (const FreedEntry& entry : gone) {
    tx.remove(keys::freed(entry.sequence));
    if (!entry.manifests) tx.remove(keys::owner(entry.extent.id));
  }
  return {};
}

}  // namespace ops
}  // namespace mas::meta
