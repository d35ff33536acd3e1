#include "store/block_reader.h"

#include <algorithm>

#include "mas/core/xxh3.h"

namespace mas::store {

BlockReader::BlockReader(fs::File& file, std::size_t window)
    : file_(file), window_(round_up(window, kBlockSize)) {}

Result<void> BlockReader::fill(std::uint64_t start, std::size_t size) {
  if (buffer_.capacity() < size) buffer_ = Buffer::allocate(size);
  valid_ = 0;
  MAS_TRY(const std::size_t got, file_.read_at(start, buffer_.bytes().first(size)));
  start_ = start;
  valid_ = got;
  return {};
}

Result<ByteView> BlockReader::view(std::uint64_t offset, std::size_t length) {
  if (offset < start_ || offset + length > start_ + valid_) {
    const std::uint64_t start = offset / kBlockSize * kBlockSize;
    const std::size_t needed = round_up(offset + length - start, kBlockSize);
    const std::size_t size = start < narrow_until_ ? needed : std::max(needed, window_);
    Result<void> filled = fill(start, size);
    if (filled.has_error() && size > needed) {
      narrow_until_ = start + size;
      filled = fill(start, needed);
    }
    if (filled.has_error()) return filled.error();
  }
  const std::uint64_t skip = offset - start_;
  if (skip >= valid_) return ByteView();
  return ByteView(buffer_.data() + skip, std::min<std::uint64_t>(length, valid_ - skip));
}

Result<bool> payload_matches(BlockReader& reader, const Location& location) {
  Xxh3 sum;
  std::uint64_t done = 0;
  while (done < location.length) {
    const std::uint64_t offset = location.payload + done;
    const std::uint64_t want =
        std::min<std::uint64_t>(location.length - done, reader.window() - offset % kBlockSize);
    MAS_TRY(ByteView bytes, reader.view(offset, want));
    if (bytes.size() < want) return false;
    sum.update(bytes);
    done += want;
  }
  return sum.digest() == location.sum;
}

}  // namespace mas::store
