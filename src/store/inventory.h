// What a stopped pod's segments say that is stored: for `mas check`, which compares it with the
// metadata.
#pragma once

#include <vector>

#include "mas/store/directories.h"
#include "store/location.h"

namespace mas::store {

// Collects records in the order of the logs. Some 80 bytes of memory a record, dead ones included
// until they are settled.
class Inventory {
 public:
  // `volume`: which directory it stands in. Of a payload: whether its bytes are those written.
  void add(std::size_t volume, const IndexedRecord& record, bool is_sound);
  // Where a frame begins that may have to be taken back.
  [[nodiscard]] std::size_t mark() const noexcept { return entries_.size(); }
  void take_back(std::size_t mark) { entries_.resize(mark); }

  // By key: of each the record that counts, as the index would have it. What was removed is left
  // out.
  std::vector<CheckedRecord> settle() &&;

 private:
  struct Entry {
    RecordKey key;
    std::uint64_t version = 0;
    std::uint32_t volume = 0;
    bool is_tombstone = false;
    bool is_sound = false;
  };
  std::vector<Entry> entries_;
};

}  // namespace mas::store
