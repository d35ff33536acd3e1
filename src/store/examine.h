// What is wrong with a record that could not be read: it alone, its segment, or the whole disk.
#pragma once

#include "store/volume.h"

namespace mas::store {

enum class Verdict : std::uint8_t {
  good,
  bad,         // the disk gives other bytes than were written
  moved,       // it is not there any more: compaction or a newer record
  unreadable,  // the disk does not give it; from now on the volume does not show it
  gone,        // the disk gives nothing at all; from now on the volume shows nothing
};

// Reads the record where it lies, past the system's cache, and verifies it. Blocking. Errors: io,
// of the index.
[[nodiscard]] Result<Verdict> examine(Volume& volume, const RecordKey& key,
                                      const Location& location);

}  // namespace mas::store
