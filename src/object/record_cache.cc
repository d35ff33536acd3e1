#include "object/record_cache.h"

namespace mas::object {
namespace {

// Extents that weigh as much as one record.
constexpr std::size_t kExtentsPerUnit = 8;
constexpr std::size_t kNameBytesPerUnit = 128;

}  // namespace

RecordCache::RecordCache(std::size_t capacity)
    : shelf_capacity_((capacity + kShelves - 1) / kShelves) {}

std::optional<meta::Object> RecordCache::find(const Hash& hash, Instant now, Duration max_age) {
  Shelf& shelf = shelf_of(hash);
  std::lock_guard lock(shelf.mutex);
  auto at = shelf.by_hash.find(hash);
  if (at == shelf.by_hash.end() || now - at->second->read_at > max_age) return std::nullopt;
  shelf.entries.splice(shelf.entries.begin(), shelf.entries, at->second);
  return at->second->object;
}

std::uint64_t RecordCache::ticket(const Hash& hash) {
  Shelf& shelf = shelf_of(hash);
  std::lock_guard lock(shelf.mutex);
  return shelf.invalidations;
}

void RecordCache::insert(const meta::Object& object, Instant now, std::uint64_t ticket) {
  std::size_t weight =
      1 + object.extents.size() / kExtentsPerUnit + object.name.size() / kNameBytesPerUnit;
  Shelf& shelf = shelf_of(object.hash);
  std::lock_guard lock(shelf.mutex);
  if (shelf.invalidations != ticket || weight > shelf_capacity_) return;
  remove(shelf, object.hash);
  while (shelf.weight + weight > shelf_capacity_) remove(shelf, shelf.entries.back().object.hash);
  shelf.entries.push_front({object, now, weight});
  shelf.by_hash[object.hash] = shelf.entries.begin();
  shelf.weight += weight;
}

void RecordCache::drop(const Hash& hash) {
  Shelf& shelf = shelf_of(hash);
  std::lock_guard lock(shelf.mutex);
  ++shelf.invalidations;
  remove(shelf, hash);
}

void RecordCache::clear() {
  for (Shelf& shelf : shelves_) {
    std::lock_guard lock(shelf.mutex);
    ++shelf.invalidations;
    shelf.by_hash.clear();
    shelf.entries.clear();
    shelf.weight = 0;
  }
}

void RecordCache::remove(Shelf& shelf, const Hash& hash) {
  auto at = shelf.by_hash.find(hash);
  if (at == shelf.by_hash.end()) return;
  // `hash` may live in the entry itself: unlink the index first.
  auto entry = at->second;
  shelf.by_hash.erase(at);
  shelf.weight -= entry->weight;
  shelf.entries.erase(entry);
}

}  // namespace mas::object
