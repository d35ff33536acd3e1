// The shared TokenLedger: token lifetimes in a Redis server (6.0 or newer, not a Redis Cluster),
// so that every pod sees the same. doc/operations.md says what it needs.
//
// Each call is one script on the server: check and extension are one step there, the time is the
// server's, and keys expire by themselves. A server that loses its keys costs nothing but
// extensions: an id it does not know is good until issued_at + first_use.
#pragma once

#include <memory>

#include "mas/auth/token_ledger.h"
#include "mas/fs/fs.h"
#include "mas/runtime/io_threads.h"

namespace mas::auth {

// Calls come from any thread; one from an io thread stays on it. Each ends within
// config::Redis::timeout, connecting and waiting for a connection included; a host name that
// cannot be resolved in time counts as unreachable. Errors of all calls:
//   ledger_unavailable  not reached, no answer in time, no sense in the answer, too many waiting,
//                       closed. Marked maybe_happened() where the call may have taken effect.
//   ledger_refused      the server answered with an error (wrong password, out of memory, ...).
// A server that is down or silent is known to be: calls then fail at once, and a probe looks for
// its return every quarter of a second.
class RedisLedger : public TokenLedger {
 public:
  // Lets running calls end, then closes the connections. Comes before the io threads are stopped
  // and before this is destroyed.
  virtual Task<void> close() = 0;
};

struct RedisLedgerDependencies {
  IoThreads& io;
  Clock& clock;  // for time-outs only
  fs::Fs& fs;    // reads redis.url_file
  // For tests: stands in for the server's clock, so that time stands still between calls. Null:
  // the server's clock.
  Clock* ledger_clock = nullptr;
};

// Connects with the first call. Errors: invalid_argument (a URL or CA file that cannot be used;
// never says what is in the URL).
[[nodiscard]] Result<std::unique_ptr<RedisLedger>> make_redis_ledger(
    const config::Redis& options, const config::Token& token, const RedisLedgerDependencies& deps);

}  // namespace mas::auth
