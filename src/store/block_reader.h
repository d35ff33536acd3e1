// Reads any range of a file opened with O_DIRECT, through an aligned window.
#pragma once

#include <cstdint>

#include "mas/core/result.h"
#include "mas/fs/fs.h"
#include "store/location.h"

namespace mas::store {

class BlockReader {
 public:
  // `file` must outlive this.
  explicit BlockReader(fs::File& file, std::size_t window = 256 * 1024);

  // Bytes [offset, offset + length), fewer at the end of the file; valid until the next call. One
  // bad sector costs the blocks it lies in: where the window cannot be read as a whole, only what
  // is asked for is read. Errors: io.
  Result<ByteView> view(std::uint64_t offset, std::size_t length);

  [[nodiscard]] std::size_t window() const noexcept { return window_; }

 private:
  Result<void> fill(std::uint64_t start, std::size_t size);

  fs::File& file_;
  std::size_t window_;
  Buffer buffer_;
  std::uint64_t start_ = 0;
  std::size_t valid_ = 0;
  std::uint64_t narrow_until_ = 0;  // up to here no whole window is read any more
};

// Whether the payload at `location` has its sum; false too if the file ends before it does. Errors:
// io.
[[nodiscard]] Result<bool> payload_matches(BlockReader& reader, const Location& location);

}  // namespace mas::store
