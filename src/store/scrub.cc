#include "store/scrub.h"

#include <algorithm>

#include "store/examine.h"

namespace mas::store {

Result<ScrubChunk> verify_chunk(const std::vector<std::pair<RecordKey, Found>>& page,
                                std::uint64_t max_bytes) {
  ScrubChunk chunk;
  const std::uint64_t limit = std::min(max_bytes, kScrubChunkBytes);
  for (const auto& [key, found] : page) {
    // Each read that fails may take a disk seconds.
    const bool enough = chunk.bytes >= limit || chunk.unreadable.size() >= kScrubUnreadable;
    if (enough) {
      chunk.next = key;
      return chunk;
    }
    MAS_TRY(const Verdict verdict, examine(*found.volume, key, found.location));
    if (verdict == Verdict::moved || verdict == Verdict::gone) continue;
    ++chunk.records;
    chunk.bytes += found.location.length;
    if (verdict == Verdict::bad) chunk.damaged.emplace_back(key, found);
    if (verdict == Verdict::unreadable) chunk.unreadable.push_back(key);
  }
  if (page.size() < kScrubPage) return chunk;
  // More may follow: the least key behind the last one.
  RecordKey next = page.back().first;
  if (++next.minor == 0) ++next.major;
  chunk.next = next;
  return chunk;
}

}  // namespace mas::store
