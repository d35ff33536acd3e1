// Verifying records where they lie on the disk.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "store/volume.h"

namespace mas::store {

struct Found {
  Volume* volume = nullptr;
  Location location;
};

// How many records are listed at once, and how many bytes are read without a pause.
inline constexpr std::size_t kScrubPage = 256;
inline constexpr std::uint64_t kScrubChunkBytes = 8 * 1024 * 1024;

// And how many records that the disk does not give.
inline constexpr std::size_t kScrubUnreadable = 8;

struct ScrubChunk {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<std::pair<RecordKey, Found>> damaged;
  std::vector<RecordKey> unreadable;  // the disk did not give them; not shown any more
  std::optional<RecordKey> next;      // the first key not looked at; nullopt: there is none
};

// Reads headers and payloads of `page` (up to kScrubPage neighbours in key order) past the system's
// cache until `max_bytes` or kScrubChunkBytes are read. A record that cannot be read is one bad
// record; those of a disk that has gone are passed over. Blocking. Errors: io, of the index.
[[nodiscard]] Result<ScrubChunk> verify_chunk(const std::vector<std::pair<RecordKey, Found>>& page,
                                              std::uint64_t max_bytes);

}  // namespace mas::store
