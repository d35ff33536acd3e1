#include "mas/net/connection.h"

#include <algorithm>

namespace mas::net {
namespace {

// Takes `size` bytes off the front of `pieces`; returns what is left.
std::span<ByteView> drop_front(std::span<ByteView> pieces, std::size_t size) {
  while (!pieces.empty() && size >= pieces.front().size()) {
    size -= pieces.front().size();
    pieces = pieces.subspan(1);
  }
  if (size > 0) pieces.front() = pieces.front().subspan(size);
  return pieces;
}

Error too_slow() { return {Code::timeout, "The other side was too slow."}; }

}  // namespace

Connection::Connection(Clock& clock, const Executor& executor, std::unique_ptr<Stream> stream,
                       Duration longest_sleep, SendCredit credit)
    : clock_(clock),
      stream_(std::move(stream)),
      watchdog_(clock, executor, *stream_, longest_sleep, credit) {}

Task<Result<void>> Connection::handshake(Duration timeout) {
  watchdog_.arm(clock_.now() + timeout);
  Result<void> done = co_await stream_->handshake();
  if (watchdog_.disarm() && done.has_error()) co_return too_slow();
  co_return done;
}

Task<Result<std::size_t>> Connection::read(MutableBytes into, Instant deadline) {
  watchdog_.arm(deadline);
  Result<std::size_t> size = co_await stream_->read(into);
  bool expired = watchdog_.disarm();
  if (size.has_value()) bytes_read_ += *size;
  if (expired && size.has_error()) co_return too_slow();
  co_return size;
}

Task<Result<void>> Connection::write_all(std::span<ByteView> pieces, Duration timeout) {
  for (;;) {
    MAS_CO_CHECK(write_now(pieces));
    if (pieces.empty()) co_return Result<void>();
    MAS_CO_CHECK(co_await wait_writable(timeout));
  }
}

Result<std::size_t> Connection::write_now(std::span<ByteView>& pieces) {
  std::size_t written = 0;
  pieces = drop_front(pieces, 0);
  while (!pieces.empty()) {
    auto some = pieces.first(std::min(pieces.size(), Stream::kMaxPieces));
    MAS_TRY(std::size_t size, stream_->try_write(some));
    if (size == 0) break;
    written += size;
    bytes_written_ += size;
    pieces = drop_front(pieces, size);
  }
  return written;
}

Task<Result<void>> Connection::wait_writable(Duration timeout) {
  watchdog_.arm_sending(timeout);
  Result<void> waited = co_await stream_->wait_writable();
  if (watchdog_.disarm() && waited.has_error()) co_return too_slow();
  co_return waited;
}

Task<Result<void>> Connection::shutdown_send(Duration timeout) {
  watchdog_.arm(clock_.now() + timeout);
  Result<void> done = co_await stream_->shutdown_send();
  if (watchdog_.disarm() && done.has_error()) co_return too_slow();
  co_return done;
}

}  // namespace mas::net
