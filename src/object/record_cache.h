// Recently used object records, so that a download need not ask the metadata store each time.
//
// A look-up that began before a local commit or delete must not put the older record back: take a
// ticket before asking the store, and hand it in with the answer.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "mas/meta/records.h"
#include "mas/runtime/clock.h"

namespace mas::object {

// Thread-safe; least recently used records leave first. Records with many extents
// or long names weigh more.
class RecordCache {
 public:
  // `capacity`: records of few extents.
  explicit RecordCache(std::size_t capacity);

  // The record if it is at most `max_age` old.
  [[nodiscard]] std::optional<meta::Object> find(const Hash& hash, Instant now, Duration max_age);
  [[nodiscard]] std::uint64_t ticket(const Hash& hash);
  // Dropped silently if the hash's shelf was invalidated since `ticket`.
  void insert(const meta::Object& object, Instant now, std::uint64_t ticket);
  void drop(const Hash& hash);
  // All of them.
  void clear();

 private:
  struct Entry {
    meta::Object object;
    Instant read_at;
    std::size_t weight;
  };
  struct Shelf {
    std::mutex mutex;
    std::list<Entry> entries;  // most recently used first
    std::unordered_map<Hash, std::list<Entry>::iterator> by_hash;
    std::size_t weight = 0;
    std::uint64_t invalidations = 0;
  };

  Shelf& shelf_of(const Hash& hash) { return shelves_[hash.bytes[31] % kShelves]; }
  static void remove(Shelf& shelf, const Hash& hash);

  static constexpr std::size_t kShelves = 16;
  std::size_t shelf_capacity_;
  std::array<Shelf, kShelves> shelves_;
};

}  // namespace mas::object
