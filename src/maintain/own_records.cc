#include "maintain/own_records.h"

#include <utility>

#include "mas/store/directories.h"

namespace mas::maintain {
namespace {

constexpr std::size_t kPage = 1024;

// The greatest key below `first`, a key whose minor is 0: where a list has to start after to begin
// with it. nullopt: at the beginning.
std::optional<RecordKey> just_before(const RecordKey& first) {
  RecordKey key = first;
  key.minor = UINT16_MAX;
  if (key.major-- != 0) return key;
  for (auto byte = key.id.rbegin(); byte != key.id.rend(); ++byte) {
    if ((*byte)-- != 0) return key;
  }
  // The id was all zeros: the last key of the kind before, if there is one.
  if (first.kind == RecordKind::shard) return std::nullopt;
  key.kind = RecordKind::shard;
  return key;
}

// Removes the records of `first`'s kind and id whose major is from its own up to `last`.
Task<Result<std::uint64_t>> remove_all(store::Store& store, RecordKey first, std::uint64_t last) {
  std::optional<RecordKey> after = just_before(first);
  std::uint64_t removed = 0;
  while (true) {
    MAS_CO_TRY(auto page, co_await store::list_all(store, after, kPage));
    std::vector<RecordKey> keys;
    for (const store::RecordInfo& record : page) {
      bool same = record.key.kind == first.kind && record.key.id == first.id;
      if (!same || record.key.major > last) break;
      keys.push_back(record.key);
    }
    if (keys.empty()) co_return removed;
    bool more = keys.size() == kPage;
    after = keys.back();
    removed += keys.size();
    MAS_CO_CHECK(co_await store.remove(std::move(keys)));
    if (!more) co_return removed;
  }
}

}  // namespace

Task<Result<std::uint64_t>> remove_shards(store::Store& store, Id128 extent) {
  return remove_all(store, RecordKey::shard(extent, 0, 0), UINT64_MAX);
}

Task<Result<std::uint64_t>> remove_manifests(store::Store& store, meta::ManifestRange range) {
  return remove_all(store, RecordKey::manifest(range.hash, range.first, 0), range.last);
}

}  // namespace mas::maintain
