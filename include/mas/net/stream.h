// A connection's bytes, plain or TLS, in memory or on a socket: what sessions and clients are
// written against.
#pragma once

#include <memory>
#include <span>

#include "mas/core/bytes.h"
#include "mas/core/result.h"
#include "mas/net/send_queue.h"
#include "mas/runtime/task.h"

namespace mas::net {

// Belongs to one io thread. At most one read and one write are in progress at a time.
// Errors: closed (the other side went away, or cancel() or close() was called), io.
class Stream {
 public:
  virtual ~Stream() = default;
  // Before the first read or write; nothing to do without TLS. Errors: also corrupt (not TLS, or a
  // certificate that does not verify).
  virtual Task<Result<void>> handshake() = 0;
  // Some bytes, at least one; 0 is the end.
  virtual Task<Result<std::size_t>> read(MutableBytes into) = 0;
  // Takes what goes at once from the front of `pieces` (not empty, of at most kMaxPieces; a piece
  // may be empty, not all), maybe nothing, and says how many bytes. Forgets `pieces`; but the next
  // call must bring the bytes that were not taken, from the first on: over TLS some of them may be
  // on their way already.
  virtual Result<std::size_t> try_write(std::span<const ByteView> pieces) = 0;
  // Once try_write() has taken nothing: until it takes something.
  virtual Task<Result<void>> wait_writable() = 0;
  // Tells the other side that nothing more will come; reading goes on.
  virtual Task<Result<void>> shutdown_send() = 0;
  // Whether the other side has sent nothing that was not read, and has not ended. A look, no wait.
  // Over TLS, bytes that carry no data count too.
  [[nodiscard]] virtual bool quiet() = 0;
  // Whether read() gives something at once: bytes, the end, or an error. A look, no wait.
  [[nodiscard]] virtual bool readable() = 0;
  // How far what was written has come. A look, no wait.
  [[nodiscard]] virtual SendQueue send_queue() = 0;
  // Whether the handshake has shown that the other side knows a key, or has a certificate, that
  // this side was told to take.
  [[nodiscard]] virtual bool proven() { return false; }
  // Ends the operations in progress with an error; the stream stays usable.
  virtual void cancel() = 0;
  virtual void close() = 0;

  static constexpr std::size_t kMaxPieces = 32;
};

}  // namespace mas::net
