#include "store/scrub.h"

#include <algorithm>

#include "store/block_reader.h"

namespace mas::store {
namespace {

enum class Verdict { good, bad, gone };

// The frame's length is not known here; the header's own sum and the index vouch for its place.
bool header_matches(ByteView bytes, const SegmentIdentity& identity, const RecordKey& key,
                    const Location& location) {
  const auto header = parse_record_header(bytes, identity, ~std::uint64_t{0});
  return header && key_of(*header) == key && header->version == location.version &&
         header->length == location.length && header->payload_sum == location.sum;
}

Result<Verdict> look_at(Volume& volume, const RecordKey& key, const Location& location) {
  auto file = volume.segments().open_direct(location.segment);
  if (file.has_error()) {
    if (file.error().code() != Code::not_found) return file.error();
    return Verdict::bad;
  }
  BlockReader reader(**file);
  MAS_TRY(const bool payload_ok, payload_matches(reader, location));
  MAS_TRY(const ByteView bytes, reader.view(location.header, sizeof(RecordHeader)));
  const bool header_ok = header_matches(bytes, {volume.id(), location.segment}, key, location);
  return payload_ok && header_ok ? Verdict::good : Verdict::bad;
}

// What looks bad may only have moved since it was listed: compaction removes a segment's file once
// nothing points to it.
Result<Verdict> verify(Volume& volume, const RecordKey& key, const Location& location) {
  MAS_TRY(const Verdict verdict, look_at(volume, key, location));
  if (verdict == Verdict::good) return verdict;
  MAS_TRY(const auto current, volume.catalog().index().find(key));
  return current == location ? Verdict::bad : Verdict::gone;
}

}  // namespace

Result<ScrubChunk> verify_chunk(const std::vector<std::pair<RecordKey, Found>>& page,
                                std::uint64_t max_bytes) {
  ScrubChunk chunk;
  const std::uint64_t limit = std::min(max_bytes, kScrubChunkBytes);
  for (const auto& [key, found] : page) {
    if (chunk.bytes >= limit) {
      chunk.next = key;
      return chunk;
    }
    MAS_TRY(const Verdict verdict, verify(*found.volume, key, found.location));
    if (verdict == Verdict::gone) continue;
    ++chunk.records;
    chunk.bytes += found.location.length;
    if (verdict == Verdict::bad) chunk.damaged.emplace_back(key, found);
  }
  if (page.size() < kScrubPage) return chunk;
  // More may follow: the least key behind the last one.
  RecordKey next = page.back().first;
  if (++next.minor == 0) ++next.major;
  chunk.next = next;
  return chunk;
}

}  // namespace mas::store
