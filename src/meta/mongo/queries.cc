#include "meta/mongo/queries.h"

#include <algorithm>
#include <set>

#include "meta/extent_owner.h"
#include "meta/keys.h"
#include "meta/mongo/ids.h"
#include "meta/operations.h"
#include "meta/rules.h"

namespace mas::meta::mongo {
namespace {

constexpr std::uint32_t kPage = 500;

// The values of the records found by `field`, in its order. A record may have changed since it was
// found: the caller looks at it again.
Result<std::vector<std::string>> values(Documents& documents, Attempt& now, Field field,
                                        std::int64_t before, std::uint32_t limit) {
  std::vector<std::string> found;
  if (limit == 0) return found;
  MAS_TRY(auto ids, documents.below(field, before, limit));
  std::vector<std::string> keys;
  for (const std::string& id : ids) keys.push_back(key_of(id));
  MAS_CHECK(now.prefetch(keys));
  for (const std::string& key : keys) {
    MAS_TRY(auto value, now.get(key));
    if (value) found.push_back(*std::move(value));
  }
  return found;
}

void add_owner_keys(std::vector<std::string>& keys, const std::vector<Extent>& extents) {
  for (const Extent& extent : extents) keys.push_back(keys::owner(extent.id));
}

}  // namespace

Result<std::vector<Object>> condemned(Documents& documents, Attempt& now, std::int64_t before,
                                      std::uint32_t limit) {
  MAS_TRY(auto all, values(documents, now, Field::condemned_at, before, limit));
  std::vector<Object> found;
  for (const std::string& value : all) {
    MAS_TRY(Object object, decode_object(value));
    bool waits = object.state == ObjectState::condemned && object.released == 0;
    if (waits) found.push_back(std::move(object));
  }
  return found;
}

Result<std::vector<Object>> released(Documents& documents, Attempt& now, std::uint64_t before,
                                     std::uint32_t limit) {
  const auto below = static_cast<std::int64_t>(std::min<std::uint64_t>(before, INT64_MAX));
  MAS_TRY(auto all, values(documents, now, Field::released, below, limit));
  std::vector<Object> found;
  for (const std::string& value : all) {
    MAS_TRY(Object object, decode_object(value));
    if (object.released > 0 && object.released < before) found.push_back(std::move(object));
  }
  return found;
}

Result<std::vector<RecordVersion>> versions(const Attempt& now, const std::vector<Hash>& hashes) {
  std::vector<std::string> keys;
  for (const Hash& hash : hashes) keys.push_back(keys::object(hash));
  if (hashes.size() <= ops::kMostVersions) MAS_CHECK(now.prefetch(keys));
  return ops::versions(now, hashes);
}

Result<std::vector<Upload>> sealed(Documents& documents, Attempt& now, std::uint32_t limit) {
  MAS_TRY(auto all, values(documents, now, Field::sealed, INT64_MAX, limit));
  std::vector<Upload> found;
  for (const std::string& value : all) {
    MAS_TRY(Upload upload, decode_upload(value));
    if (upload.state == UploadState::sealed) found.push_back(std::move(upload));
  }
  return found;
}

Result<void> drop_collected(Documents& documents, std::uint64_t past) {
  std::string end = id_of(keys::freed(past) + '\0');
  std::string next = id_of(keys::freed(0));
  while (true) {
    MAS_TRY(auto page, documents.range(next, end, kPage));
    std::vector<std::string> owners;
    std::vector<Step> owners_go, entries_go;
    for (const Document& document : page) {
      if (document.stamp.empty()) continue;  // an intent that never happened
      MAS_TRY(FreedEntry entry, decode_freed(document.value));
      if (!entry.manifests) owners.push_back(id_of(keys::owner(entry.extent.id)));
      entries_go.push_back({Step::Kind::remove, document.id, document.stamp, {}, {}, {}});
    }
    MAS_TRY(auto owned, documents.get(owners, Reading::majority));
    for (const Document& owner : owned) {
      if (owner.value != std::string(1, static_cast<char>(OwnerKind::freed))) continue;
      owners_go.push_back({Step::Kind::remove, owner.id, owner.stamp, {}, {}, {}});
    }
    // The entry last: while it is there, this is done again.
    MAS_CHECK(documents.write(owners_go));
    MAS_CHECK(documents.write(entries_go));
    if (page.size() < kPage) return {};
    next = page.back().id + "00";
  }
}

Result<void> warm_end(const Attempt& now, const Id128& id) {
  MAS_TRY(auto upload, ops::find_upload(now, id));
  if (!upload) return {};
  MAS_TRY(auto parts, ops::parts(now, id, 0, UINT32_MAX));
  std::vector<std::string> keys{keys::session(upload->hash, upload->session)};
  add_owner_keys(keys, rules::extents_of(upload->registered));
  for (const Part& part : parts) add_owner_keys(keys, part.extents);
  return now.prefetch(keys);
}

Result<void> warm_drop(const Attempt& now, const Id128& id, const std::vector<Part>& parts) {
  MAS_TRY(auto upload, ops::find_upload(now, id));
  if (!upload) return {};
  std::vector<std::string> keys;
  for (const Part& part : parts) {
    keys.push_back(keys::part(id, part.number));
    add_owner_keys(keys, part.extents);
  }
  return now.prefetch(keys);
}

Result<void> warm_release(const Attempt& now, const Hash& hash) {
  MAS_TRY(auto current, ops::find(now, hash));
  if (!current) return {};
  std::vector<std::string> keys{keys::counter(ops::kFreedCounter)};
  add_owner_keys(keys, current->extents);
  return now.prefetch(keys);
}

Result<void> warm_manifests(const Attempt& now, const std::vector<ManifestRange>& manifests) {
  std::vector<std::string> keys{keys::counter(ops::kFreedCounter)};
  for (const ManifestRange& range : manifests) keys.push_back(keys::object(range.hash));
  return now.prefetch(keys);
}

Result<void> warm_restore(Documents& documents, const Attempt& now, const Object& object) {
  MAS_TRY(auto current, ops::find(now, object.hash));
  std::vector<std::string> keys, ids;
  add_owner_keys(keys, object.extents);
  if (current) add_owner_keys(keys, current->extents);
  for (const std::string& key : keys) ids.push_back(id_of(key));
  // A look ahead, not remembered: the uploads must be read before the owners that they guard.
  MAS_TRY(auto peeked, documents.get(ids, Reading::majority));
  std::set<std::string> uploads;
  for (const Document& document : peeked) {
    if (document.value.empty() || document.value[0] != static_cast<char>(OwnerKind::upload))
      continue;
    std::string name = document.value.substr(1);
    if (uploads.insert(name).second)
      MAS_CHECK(warm_end(now, Owner{OwnerKind::upload, name}.upload()));
  }
  MAS_CHECK(now.prefetch(keys));
  for (const Extent& extent : object.extents) {
    MAS_TRY(Owner owner, owner_of(now, extent.id));
    if (owner.kind != OwnerKind::upload || uploads.count(owner.name) > 0) continue;
    return Error(Code::busy, "The stored content is being changed; try again shortly.");
  }
  return {};
}

Result<void> warm_commit(const Attempt& now, const Object& object, std::uint64_t expected,
                         const std::optional<Id128>& from) {
  MAS_TRY(auto current, ops::find(now, object.hash));
  auto verdict = rules::judge_commit(current, object, expected);
  if (verdict == rules::CommitVerdict::lose) return {};
  if (from) MAS_CHECK(warm_end(now, *from));
  if (verdict == rules::CommitVerdict::repeat) return {};
  std::vector<std::string> keys;
  add_owner_keys(keys, object.extents);
  if (current) add_owner_keys(keys, current->extents);
  return now.prefetch(keys);
}

}  // namespace mas::meta::mongo
