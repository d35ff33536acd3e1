#include <algorithm>

#include "meta/extent_owner.h"
#include "meta/keys.h"
#include "meta/operations.h"
#include "meta/rules.h"

namespace mas::meta::ops {
namespace {

// Writes `next` and moves its index entries from where `previous` had them.
void store(Transaction& tx, const Upload* previous, const Upload& next) {
  if (previous != nullptr && previous->state == UploadState::sealed) {
    tx.remove(keys::sealed(next.id));
  }
  if (next.state == UploadState::sealed) tx.put(keys::sealed(next.id), "");
  tx.put(keys::upload(next.id), encode(next));
}

Result<Upload> require(const Reader& db, const Id128& id) {
  MAS_TRY(auto upload, find_upload(db, id));
  if (!upload) return rules::not_open();
  return *std::move(upload);
}

Result<std::optional<Part>> find_part(const Reader& db, const Id128& upload, std::uint32_t number) {
  MAS_TRY(auto value, db.get(keys::part(upload, number)));
  if (!value) return std::optional<Part>();
  MAS_TRY(Part part, decode_part(*value));
  return std::optional<Part>(std::move(part));
}

Result<std::vector<Upload>> read_all(const Reader& db, const std::vector<Id128>& ids,
                                     UploadState state) {
  std::vector<Upload> found;
  for (const Id128& id : ids) {
    MAS_TRY(auto upload, find_upload(db, id));
    if (upload && upload->state == state) found.push_back(std::move(*upload));
  }
  return found;
}

Result<std::vector<Id128>> ids_between(const Reader& db, const std::string& from,
                                       const std::string& to, std::uint32_t limit) {
  std::vector<Id128> ids;
  if (limit == 0) return ids;
  auto visit = [&](std::string_view key, std::string_view) -> Result<bool> {
    ids.push_back(keys::trailing_id(key));
    return ids.size() < limit;
  };
  MAS_CHECK(db.scan(from, to, visit));
  return ids;
}

}  // namespace

Result<Upload> open(Transaction& tx, const Upload& upload) {
  MAS_TRY(auto same_id, find_upload(tx, upload.id));
  if (same_id) return *std::move(same_id);  // a repeat
  if (upload.kind == UploadKind::session) {
    MAS_TRY(auto there, find_session(tx, upload.hash, upload.session));
    if (there) {
      Upload next = *there;
      if (!upload.name.empty()) next.name = upload.name;
      rules::touch(next, upload.expires);
      store(tx, &*there, next);
      return next;
    }
    tx.put(keys::session(upload.hash, upload.session), std::string(as_text(upload.id.bytes)));
  }
  Upload fresh;
  fresh.id = upload.id;
  fresh.kind = upload.kind;
  fresh.hash = upload.hash;
  fresh.session = upload.session;
  fresh.name = upload.name;
  fresh.created = upload.created;
  fresh.expires = upload.expires;
  fresh.touches = upload.touches;
  store(tx, nullptr, fresh);
  return fresh;
}

Result<std::optional<Upload>> find_upload(const Reader& db, const Id128& id) {
  MAS_TRY(auto value, db.get(keys::upload(id)));
  if (!value) return std::optional<Upload>();
  MAS_TRY(Upload upload, decode_upload(*value));
  return std::optional<Upload>(std::move(upload));
}

Result<std::optional<Upload>> find_session(const Reader& db, const Hash& hash,
                                           const std::string& session) {
  MAS_TRY(auto value, db.get(keys::session(hash, session)));
  if (!value) return std::optional<Upload>();
  if (value->size() != sizeof(Id128)) {
    return Error(Code::corrupt, "The index of sessions cannot be read.");
  }
  return find_upload(db, keys::trailing_id(*value));
}

Result<void> register_extent(Transaction& tx, const Id128& id, const Extent& extent) {
  MAS_TRY(Upload upload, require(tx, id));
  if (upload.state != UploadState::open) return rules::not_open();
  MAS_TRY(Owner owner, owner_of(tx, extent.id));
  if (owner == Owner::of(id)) return {};  // a repeat
  if (owner.kind != OwnerKind::none) {
    return Error(Code::conflict, "This extent id is in use; draw another.");
  }
  Upload next = upload;
  MAS_CHECK(rules::register_extent(next, extent));
  set_owner(tx, extent.id, Owner::of(id));
  store(tx, &upload, next);
  return {};
}

Result<PutPartResult> put_part(Transaction& tx, const Id128& id, const Part& part,
                               std::int64_t expires, std::uint64_t max_total, std::int64_t now,
                               const std::vector<Extent>& lost) {
  if (part.number == 0) return Error(Code::invalid_argument, "Parts are numbered from 1.");
  MAS_TRY(Upload upload, require(tx, id));
  MAS_TRY(auto previous, find_part(tx, id, part.number));
  Upload next = upload;
  MAS_TRY(rules::PartOutcome outcome,
          rules::put_part(next, previous, part, expires, max_total, lost));
  if (outcome.recorded) tx.put(keys::part(id, part.number), encode(outcome.winner));
  MAS_CHECK(free_owned(tx, outcome.freed, Owner::of(id), now));
  store(tx, &upload, next);
  return PutPartResult{std::move(outcome.winner), std::move(outcome.freed), next.stored,
                       next.part_count};
}

Result<void> progress(Transaction& tx, const Id128& id, const Id128& extent,
                      std::uint64_t durable) {
  MAS_TRY(Upload upload, require(tx, id));
  Upload next = upload;
  MAS_CHECK(rules::progress(next, extent, durable));
  store(tx, &upload, next);
  return {};
}

Result<void> drop_parts(Transaction& tx, const Id128& id, const std::vector<Part>& parts,
                        std::int64_t now) {
  MAS_TRY(Upload upload, require(tx, id));
  if (upload.state != UploadState::open) return rules::not_open();
  Upload next = upload;
  std::vector<Extent> left;
  for (const Part& part : parts) {
    MAS_TRY(auto there, find_part(tx, id, part.number));
    // Another one may stand under its number by now.
    if (!there || !rules::same_ids(there->extents, part.extents)) continue;
    rules::drop_part(next, *there);
    left.insert(left.end(), there->extents.begin(), there->extents.end());
    tx.remove(keys::part(id, part.number));
  }
  MAS_CHECK(free_owned(tx, left, Owner::of(id), now));
  ++next.touches;
  store(tx, &upload, next);
  return {};
}

Result<void> discard(Transaction& tx, const Id128& id, const std::vector<Extent>& extents,
                     std::int64_t now) {
  std::set<Id128> given_up = rules::ids_of(extents);
  auto is_given_up = [&](const Registered& one) { return given_up.count(one.extent.id) > 0; };
  MAS_TRY(auto upload, find_upload(tx, id));
  if (upload) {
    // Only what is registered: an extent may have become part of something after all.
    std::vector<Registered> mine;
    std::copy_if(upload->registered.begin(), upload->registered.end(), std::back_inserter(mine),
                 is_given_up);
    Upload next = *upload;
    std::erase_if(next.registered, is_given_up);
    MAS_CHECK(free_owned(tx, rules::extents_of(mine), Owner::of(id), now));
    if (!mine.empty()) store(tx, &*upload, next);
  }
  // A registration that may not have happened: shards may be there all the same.
  return free_owned(tx, extents, Owner{}, kNeverPublished);
}

Result<std::vector<Part>> parts(const Reader& db, const Id128& upload, std::uint32_t after,
                                std::uint32_t limit) {
  std::vector<Part> found;
  if (limit == 0 || after == UINT32_MAX) return found;
  auto visit = [&](std::string_view, std::string_view value) -> Result<bool> {
    MAS_TRY(Part part, decode_part(value));
    found.push_back(std::move(part));
    return found.size() < limit;
  };
  std::string end = keys::part(upload, UINT32_MAX) + '\0';
  MAS_CHECK(db.scan(keys::part(upload, after + 1), end, visit));
  return found;
}

Result<bool> advance_hash(Transaction& tx, const Id128& id, const HashRun& expected,
                          const HashRun& next, const std::vector<Extent>& extents) {
  MAS_TRY(auto upload, find_upload(tx, id));
  if (!upload) return false;
  MAS_TRY(auto part, find_part(tx, id, next.parts));
  switch (rules::judge_advance(*upload, part, expected, next, extents)) {
    case rules::AdvanceVerdict::lose:
      return false;
    case rules::AdvanceVerdict::repeat:
      return true;
    case rules::AdvanceVerdict::advance:
      break;
  }
  Upload advanced = *upload;
  advanced.run = next;
  store(tx, &*upload, advanced);
  return true;
}

Result<void> touch(Transaction& tx, const Id128& id, std::int64_t expires) {
  MAS_TRY(Upload upload, require(tx, id));
  Upload next = upload;
  rules::touch(next, expires);
  store(tx, &upload, next);
  return {};
}

Result<Upload> seal(Transaction& tx, const Id128& id, std::uint32_t part_count) {
  MAS_TRY(Upload upload, require(tx, id));
  MAS_TRY(auto higher, parts(tx, id, part_count, 1));
  Upload next = upload;
  MAS_CHECK(rules::seal(next, part_count, !higher.empty()));
  store(tx, &upload, next);
  return next;
}

Result<void> reopen(Transaction& tx, const Id128& id) {
  MAS_TRY(Upload upload, require(tx, id));
  if (upload.state == UploadState::open) return {};
  Upload next = upload;
  next.state = UploadState::open;
  ++next.touches;
  store(tx, &upload, next);
  return {};
}

Result<void> close(Transaction& tx, const Id128& id, bool even_sealed, std::int64_t now) {
  MAS_TRY(auto upload, find_upload(tx, id));
  if (!upload) return {};
  MAS_CHECK(rules::may_close(*upload, even_sealed));
  return retire(tx, *upload, now);
}

Result<bool> expire(Transaction& tx, const Id128& id, std::uint64_t touches, std::int64_t now) {
  MAS_TRY(auto upload, find_upload(tx, id));
  if (!upload || !rules::may_expire(*upload, touches)) return false;
  MAS_CHECK(retire(tx, *upload, now));
  return true;
}

Result<std::vector<Upload>> sealed(const Reader& db, std::uint32_t limit) {
  MAS_TRY(auto ids, ids_between(db, keys::begin(keys::kSealed), keys::end(keys::kSealed), limit));
  return read_all(db, ids, UploadState::sealed);
}

Result<std::vector<Upload>> uploads(const Reader& db, const std::optional<Id128>& after,
                                    std::uint32_t limit) {
  std::vector<Upload> found;
  if (limit == 0) return found;
  auto visit = [&](std::string_view, std::string_view value) -> Result<bool> {
    MAS_TRY(Upload upload, decode_upload(value));
    found.push_back(std::move(upload));
    return found.size() < limit;
  };
  std::string from = after ? keys::upload(*after) + '\0' : keys::begin(keys::kUpload);
  MAS_CHECK(db.scan(from, keys::end(keys::kUpload), visit));
  return found;
}

Result<void> retire(Transaction& tx, const Upload& upload, std::int64_t now) {
  Owner self = Owner::of(upload.id);
  MAS_TRY(auto all, parts(tx, upload.id, 0, UINT32_MAX));
  std::vector<Extent> left = rules::extents_of(upload.registered);
  for (const Part& part : all) {
    left.insert(left.end(), part.extents.begin(), part.extents.end());
    tx.remove(keys::part(upload.id, part.number));
  }
  MAS_CHECK(free_owned(tx, left, self, now));
  if (upload.kind == UploadKind::session) {
    tx.remove(keys::session(upload.hash, upload.session));
  }
  tx.remove(keys::sealed(upload.id));
  tx.remove(keys::upload(upload.id));
  return {};
}

}  // namespace mas::meta::ops
