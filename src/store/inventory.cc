#include "store/inventory.h"

#include <algorithm>
#include <tuple>

namespace mas::store {

void Inventory::add(std::size_t volume, const IndexedRecord& record, bool is_sound) {
  entries_.push_back({record.key, record.location.version, static_cast<std::uint32_t>(volume),
                      record.type == RecordType::tombstone, is_sound});
}

std::vector<CheckedRecord> Inventory::settle() && {
  // Of one key and volume: the highest version first, of equals (copies) the sound one.
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.key, a.volume, b.version, b.is_tombstone, b.is_sound) <
           std::tie(b.key, b.volume, a.version, a.is_tombstone, a.is_sound);
  });
  std::vector<CheckedRecord> records;
  std::uint64_t version = 0;  // of the last of `records`
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const Entry& newest = *entry;
    if (!newest.is_tombstone) {
      const bool is_twice = !records.empty() && records.back().key == newest.key;
      if (!is_twice) {
        records.push_back({newest.key, newest.is_sound, false});
        version = newest.version;
      } else {
        records.back().is_twice = true;
        if (newest.version > version) {
          records.back().is_sound = newest.is_sound;
          version = newest.version;
        }
      }
    }
    entry = std::find_if(entry, entries_.end(), [&](const Entry& next) {
      return next.volume != newest.volume || !(next.key == newest.key);
    });
  }
  entries_.clear();
  return records;
}

}  // namespace mas::store
