#include "mas/runtime/byte_stream.h"

namespace mas {

Task<Result<std::size_t>> ByteSink::write_some(Slice bytes) {
  const std::size_t size = bytes.size();
  MAS_CO_CHECK(co_await write(std::span<const Slice>(&bytes, 1)));
  co_return size;
}

Task<Result<void>> ByteSink::wait_for_room() { co_return Result<void>(); }

Task<Result<std::size_t>> read_full(ByteSource& source, MutableBytes into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    MAS_CO_TRY(std::size_t got, co_await source.read(into.subspan(filled)));
    if (got == 0) break;
    filled += got;
  }
  co_return filled;
}

}  // namespace mas
