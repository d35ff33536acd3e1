// The uses that run in this process: how many of each token, and the renewals that keep their
// tokens alive. One sweep every renew_every serves all of them, so a short use costs no more than
// its place in a table. The sweep starts with a use and ends when a round finds none.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "mas/auth/token_ledger.h"
#include "mas/config/config.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/sync.h"

namespace mas::auth {

// Thread-safe. close() comes before it is destroyed.
class RunningUses {
 public:
  RunningUses(const config::Token& options, TokenLedger& ledger, Clock& clock)
      : options_(options), ledger_(ledger), clock_(clock) {}

  // Takes one of the token's places. False: all are taken.
  bool enter(const Id128& token, WallTime issued_at);
  // The ledger has extended the token just now: from here on it is renewed until leave(). Called on
  // `executor`'s thread.
  void extended(const Id128& token, const Executor& executor);
  // Gives the place back. `accepted`: extended() was called for it; if it ran for long since then,
  // its token is renewed once more. A use that was refused adds nothing.
  void leave(const Id128& token, bool accepted);
  // Ends the sweep.
  Task<void> close();

 private:
  struct Running {
    WallTime issued_at;
    std::uint32_t places = 0;
    std::uint32_t accepted = 0;  // of the places; only these keep the token alive
    Instant extended_at;
    bool owed = false;  // a use ended too long after extended_at
  };
  struct Renewal {
    Id128 token;
    WallTime issued_at;
  };
  Task<void> sweep();
  // Waits for the next round; false when closing.
  Task<bool> next_round();
  Task<void> renew(Renewal renewal);
  std::vector<Renewal> due();
  // True, and the sweep counts as ended, if there is nothing left to renew.
  bool nothing_left();

  config::Token options_;
  TokenLedger& ledger_;
  Clock& clock_;
  std::mutex mutex_;
  std::map<Id128, Running> running_;
  bool sweeping_ = false;
  bool closing_ = false;
  Executor home_;                 // of the sweep
  std::shared_ptr<Timer> timer_;  // used on home_ only
  Gate gate_;
};

}  // namespace mas::auth
