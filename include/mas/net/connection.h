// A Stream with deadlines: every read and write ends in time.
#pragma once

#include "mas/net/stream.h"
#include "mas/net/watchdog.h"

namespace mas::net {

// Belongs to one io thread. Errors of all: timeout, and those of Stream.
class Connection {
 public:
  Connection(Clock& clock, const Executor& executor, std::unique_ptr<Stream> stream,
             Duration longest_sleep, SendCredit credit = {});

  Task<Result<void>> handshake(Duration timeout);
  // 0 is the end.
  Task<Result<std::size_t>> read(MutableBytes into, Instant deadline);
  // Writes all; fails when the other side acknowledges nothing for `timeout`, and for what it has
  // earned of the `credit` that the connection gives. Leaves `pieces`
  // consumed.
  Task<Result<void>> write_all(std::span<ByteView> pieces, Duration timeout);
  // Writes what goes without waiting, maybe nothing, takes it off the front of `pieces`, and says
  // how many bytes it was. See Stream::try_write.
  Result<std::size_t> write_now(std::span<ByteView>& pieces);
  // Once that was less than all: until more goes. Fails as write_all() does.
  Task<Result<void>> wait_writable(Duration timeout);
  Task<Result<void>> shutdown_send(Duration timeout);
  [[nodiscard]] bool readable() { return stream_->readable(); }
  [[nodiscard]] bool quiet() { return stream_->quiet(); }
  [[nodiscard]] SendQueue send_queue() { return stream_->send_queue(); }
  [[nodiscard]] bool proven() { return stream_->proven(); }
  void close() { stream_->close(); }
  void cancel() { stream_->cancel(); }

  [[nodiscard]] Watchdog& watchdog() noexcept { return watchdog_; }
  [[nodiscard]] Clock& clock() noexcept { return clock_; }
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }
  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return bytes_written_; }

 private:
  Clock& clock_;
  std::unique_ptr<Stream> stream_;
  Watchdog watchdog_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace mas::net
