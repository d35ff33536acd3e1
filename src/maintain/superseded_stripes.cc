#include "maintain/superseded_stripes.h"

#include <algorithm>
#include <map>

#include "mas/peer/carried.h"

namespace mas::maintain {
namespace {

constexpr std::size_t kAskedAtOnce = 64;  // records may be large

// The file that a shard names; nullopt if it names none, or cannot be read.
Task<std::optional<meta::Object>> named_by(store::Store& store, RecordKey shard) {
  Result<std::string> carried = co_await peer::carried_by(store, shard);
  if (carried.has_error() || carried->empty()) co_return std::nullopt;
  Result<meta::Object> object = meta::decode_object(*carried);
  const bool right = object.has_value() && object->state == meta::ObjectState::live &&
                     object::has_one_stripe(*object) && object->extents[0].id == shard.extent();
  if (!right) co_return std::nullopt;
  co_return *std::move(object);
}

}  // namespace

Task<Result<std::size_t>> free_superseded(Dependencies deps, std::vector<RecordKey> shards) {
  // Of an extent whose shards differ the highest generation counts.
  std::map<Id128, meta::Object> named;
  for (const RecordKey& shard : shards) {
    std::optional<meta::Object> object = co_await named_by(deps.store, shard);
    if (!object) continue;
    meta::Object& kept = named[shard.extent()];
    if (kept.generation <= object->generation) kept = *std::move(object);
  }
  std::vector<meta::Extent> superseded;
  auto next = named.begin();
  while (next != named.end()) {
    std::vector<Hash> asked;
    for (auto at = next; at != named.end() && asked.size() < kAskedAtOnce; ++at) {
      asked.push_back(at->second.hash);
    }
    MAS_CO_TRY(auto records, co_await deps.meta.versions(std::move(asked)));
    for (const meta::RecordVersion& record : records) {
      const meta::Object& object = next->second;
      if (record.generation > object.generation) superseded.push_back(object.extents[0]);
      ++next;
    }
  }
  const std::size_t found = superseded.size();
  if (found == 0) co_return found;
  // As everywhere before something is given up: that the store is not older than what is known.
  MAS_CO_CHECK(co_await membership::take_generations(deps.meta, deps.watch, 1));
  const std::int64_t now = deps.clock.wall().unix_seconds();
  MAS_CO_CHECK(co_await deps.meta.free(std::move(superseded), now));
  co_return found;
}

}  // namespace mas::maintain
