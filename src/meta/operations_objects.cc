#include <algorithm>
#include <set>
#include <utility>

#include "meta/extent_owner.h"
#include "meta/keys.h"
#include "meta/operations.h"
#include "meta/rules.h"

namespace mas::meta::ops {
namespace {

// Records looked at for one page, however few of them match.
constexpr std::size_t kPageScan = 20'000;

void store(Transaction& tx, const Object& object) {
  tx.put(keys::object(object.hash), encode(object));
}

// Moves the extents of `object` from `from` (or from nobody) to it; some may be its own already.
Result<void> take_extents(Transaction& tx, const Object& object, const std::optional<Id128>& from) {
  Owner source = from ? Owner::of(*from) : Owner{};
  for (const Extent& extent : object.extents) {
    MAS_TRY(Owner owner, owner_of(tx, extent.id));
    if (owner == Owner::of(object.hash)) continue;
    if (owner != source) {
      if (from && owner.kind != OwnerKind::freed) return rules::not_open();
      return Error(Code::conflict, "The stored content was given up meanwhile; send it again.");
    }
    set_owner(tx, extent.id, Owner::of(object.hash));
  }
  return {};
}

// The index entry by which a condemned record is found.
std::string index_of(const Object& condemned) {
  if (condemned.released > 0) return keys::released(condemned.released, condemned.hash);
  return keys::condemned(condemned.condemned_at, condemned.hash);
}

// All generations of `hash` before `generation`.
std::vector<ManifestRange> manifests_before(const Hash& hash, std::uint64_t generation) {
  return {{hash, 0, generation - std::min<std::uint64_t>(generation, 1)}};
}

// Frees what `current` leaves behind when `next` takes its place.
Result<void> drop_record(Transaction& tx, const Object& current, const Object& next,
                         std::int64_t now) {
  if (current.state == ObjectState::condemned) tx.remove(index_of(current));
  std::set<Id128> kept_ids = rules::ids_of(next.extents);
  std::vector<Extent> left = current.extents;
  std::erase_if(left, [&](const Extent& extent) { return kept_ids.count(extent.id) > 0; });
  MAS_CHECK(free_owned(tx, left, Owner::of(current.hash), now));
  // Those before a deletion go when it is released: until then it says that they are obsolete.
  if (next.state != ObjectState::live) return {};
  MAS_CHECK(list_manifests(tx, manifests_before(next.hash, next.generation), now));
  return {};
}

// Makes the extents of `object` its own and names the uploads that had some of them.
Result<std::set<Id128>> claim_extents(Transaction& tx, Object& object) {
  const Owner own = Owner::of(object.hash);
  std::set<Id128> uploads;
  std::vector<Extent> claimed;
  for (const Extent& extent : object.extents) {
    MAS_TRY(Owner owner, owner_of(tx, extent.id));
    if (owner.kind == OwnerKind::upload) uploads.insert(owner.upload());
    bool taken =
        owner.kind == OwnerKind::freed || (owner.kind == OwnerKind::object && owner != own);
    if (taken && object.state == ObjectState::condemned) continue;
    if (taken)
      return Error(Code::conflict, "The stored content was given up, or is another file's.");
    set_owner(tx, extent.id, own);
    claimed.push_back(extent);
  }
  object.extents = std::move(claimed);
  return uploads;
}

bool has_prefix(const Hash& hash, const std::string& hex_prefix) {
  return hash.hex().compare(0, hex_prefix.size(), hex_prefix) == 0;
}

// The keys that a list of `query` walks; an empty range if the prefix is none.
std::pair<std::string, std::string> range_of(const ListQuery& query) {
  std::string from = keys::begin(keys::kObject), to = keys::end(keys::kObject);
  std::string low = query.hex_prefix, high = query.hex_prefix;
  low.resize(64, '0');
  high.resize(64, 'f');
  auto first = Hash::parse(low), last = Hash::parse(high);
  if (!first || !last || query.hex_prefix.size() > 64) return {from, from};
  from = keys::object(*first);
  to = keys::object(*last) + '\0';
  if (query.after) from = std::max(from, keys::object(*query.after) + '\0');
  return {from, to};
}

}  // namespace

Result<std::optional<Object>> find(const Reader& db, const Hash& hash) {
  MAS_TRY(auto value, db.get(keys::object(hash)));
  if (!value) return std::optional<Object>();
  MAS_TRY(Object object, decode_object(*value));
  return std::optional<Object>(std::move(object));
}

Result<CommitResult> commit(Transaction& tx, const Object& object, std::uint64_t expected,
                            const std::optional<Id128>& from) {
  MAS_TRY(auto current, find(tx, object.hash));
  std::optional<Upload> upload;
  if (from) {
    MAS_TRY(upload, find_upload(tx, *from));
  }
  switch (rules::judge_commit(current, object, expected)) {
    case rules::CommitVerdict::lose:
      return CommitResult{false, std::move(current)};
    case rules::CommitVerdict::repeat:
      if (upload) MAS_CHECK(retire(tx, *upload, object.created));
      return CommitResult{true, std::move(current)};
    case rules::CommitVerdict::create:
    case rules::CommitVerdict::replace:
      break;
  }
  if (from && !upload) return rules::not_open();
  Object stored = object;
  stored.state = ObjectState::live;
  stored.condemned_at = 0;
  stored.released = 0;
  if (current) MAS_CHECK(drop_record(tx, *current, stored, object.created));
  MAS_CHECK(take_extents(tx, object, from));
  if (upload) MAS_CHECK(retire(tx, *upload, object.created));
  store(tx, stored);
  return CommitResult{true, std::move(stored)};
}

Result<Object> condemn(Transaction& tx, const Hash& hash, std::uint64_t generation,
                       std::uint64_t deletion, std::int64_t now) {
  MAS_TRY(auto current, find(tx, hash));
  MAS_TRY(Object next, rules::condemn(current, generation, deletion, now));
  store(tx, next);
  tx.put(index_of(next), "");
  return next;
}

Result<void> set_damaged(Transaction& tx, const Hash& hash, std::uint64_t generation,
                         bool damaged) {
  MAS_TRY(auto current, find(tx, hash));
  MAS_TRY(Object next, rules::set_damaged(current, generation, damaged));
  store(tx, next);
  return {};
}

Result<void> release(Transaction& tx, const Hash& hash, std::uint64_t generation,
                     std::int64_t now) {
  MAS_TRY(auto current, find(tx, hash));
  MAS_TRY(auto next, rules::release(current, generation));
  if (!next) return {};
  MAS_CHECK(free_owned(tx, current->extents, Owner::of(hash), now));
  MAS_TRY(next->released, list_manifests(tx, manifests_before(hash, generation), now));
  tx.remove(index_of(*current));
  tx.put(index_of(*next), "");
  store(tx, *next);
  return {};
}

Result<void> erase(Transaction& tx, const Hash& hash, std::uint64_t generation, std::int64_t now) {
  MAS_TRY(auto current, find(tx, hash));
  MAS_TRY(bool there, rules::may_erase(current, generation));
  if (!there) return {};
  MAS_TRY(auto waiting, tx.get(keys::freed(current->released)));
  if (waiting) return Error(Code::conflict, "Not every pod has removed what this file left yet.");
  tx.remove(index_of(*current));
  tx.remove(keys::object(hash));
  MAS_CHECK(list_manifests(tx, {{hash, generation, generation}}, now));
  return {};
}

Result<Object> restore(Transaction& tx, const Object& object, std::int64_t now) {
  MAS_TRY(auto current, find(tx, object.hash));
  if (current && current->generation >= object.generation) return *std::move(current);
  Object stored = object;
  stored.released = 0;
  MAS_TRY(std::set<Id128> uploads, claim_extents(tx, stored));
  if (current) MAS_CHECK(drop_record(tx, *current, stored, now));
  for (const Id128& id : uploads) {
    MAS_TRY(auto upload, find_upload(tx, id));
    if (upload) MAS_CHECK(retire(tx, *upload, now));
  }
  store(tx, stored);
  if (stored.state == ObjectState::condemned) tx.put(index_of(stored), "");
  return stored;
}

Result<ObjectPage> list(const Reader& db, const ListQuery& query) {
  ObjectPage page;
  if (query.limit == 0) return page;
  auto [from, to] = range_of(query);
  std::size_t seen = 0;
  auto visit = [&](std::string_view key, std::string_view value) -> Result<bool> {
    if (page.objects.size() == query.limit || seen == kPageScan) {
      // There is more: go on after the last one that was looked at.
      return false;
    }
    ++seen;
    page.next = keys::trailing_hash(key);
    MAS_TRY(Object object, decode_object(value));
    bool wanted = (query.include_condemned || object.state == ObjectState::live) &&
                  object.name.find(query.name_contains) != std::string::npos &&
                  has_prefix(object.hash, query.hex_prefix);
    if (wanted) page.objects.push_back(std::move(object));
    return true;
  };
  bool ended = true;
  auto watch = [&](std::string_view key, std::string_view value) -> Result<bool> {
    MAS_TRY(bool go_on, visit(key, value));
    ended = go_on;
    return go_on;
  };
  MAS_CHECK(db.scan(from, to, watch));
  if (ended) page.next.reset();
  return page;
}

namespace {

// The condemned records that the index entries of [from, to) name.
Result<std::vector<Object>> indexed(const Reader& db, const std::string& from,
                                    const std::string& to, std::uint32_t limit) {
  std::vector<Hash> hashes;
  if (limit > 0) {
    auto visit = [&](std::string_view key, std::string_view) -> Result<bool> {
      hashes.push_back(keys::trailing_hash(key));
      return hashes.size() < limit;
    };
    MAS_CHECK(db.scan(from, to, visit));
  }
  std::vector<Object> found;
  for (const Hash& hash : hashes) {
    MAS_TRY(auto object, find(db, hash));
    if (object && object->state == ObjectState::condemned) found.push_back(std::move(*object));
  }
  return found;
}

}  // namespace

Result<std::vector<Object>> condemned(const Reader& db, std::int64_t before, std::uint32_t limit) {
  return indexed(db, keys::begin(keys::kCondemned), keys::condemned(before, Hash{}), limit);
}

Result<std::vector<Object>> released(const Reader& db, std::uint64_t before, std::uint32_t limit) {
  return indexed(db, keys::begin(keys::kReleased), keys::released(before, Hash{}), limit);
}

Result<std::vector<RecordVersion>> versions(const Reader& db, const std::vector<Hash>& hashes) {
  if (hashes.size() > kMostVersions) {
    return Error(Code::invalid_argument, "Too many records are asked for at once.");
  }
  std::vector<RecordVersion> found;
  found.reserve(hashes.size());
  for (const Hash& hash : hashes) {
    MAS_TRY(auto object, find(db, hash));
    found.emplace_back();
    if (object) found.back() = {object->generation, object->state, object->released > 0};
  }
  return found;
}

}  // namespace mas::meta::ops
