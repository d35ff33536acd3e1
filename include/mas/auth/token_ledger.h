// TokenLedger: how long each temporary token lives. Check and extension are one atomic step.
#pragma once

#include <memory>
#include <string>

#include "mas/config/config.h"
#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/task.h"

namespace mas::auth {

struct LedgerEntry {
  WallTime now;  // the ledger's clock
  WallTime end;  // the token is good until then
};

// Errors of all calls: ledger_unavailable, ledger_refused.
class TokenLedger {
 public:
  virtual ~TokenLedger() = default;
  // A use begins. Good if now <= end, where an unknown id's end is issued_at + first_use, and
  // now < issued_at + max_life; then end becomes max(end, now) + extension (at most... see http.md,
  // Tokens). Errors: token_invalid, if it is past its end.
  virtual Task<Result<LedgerEntry>> use(Id128 token, WallTime issued_at) = 0;
  // A running request keeps the end at least `extension` ahead; never refuses.
  virtual Task<Result<LedgerEntry>> renew(Id128 token, WallTime issued_at) = 0;
  // The ledger's clock: `iat` of new tokens.
  virtual Task<Result<WallTime>> now() = 0;
  virtual Task<Result<void>> ping() = 0;
};

}  // namespace mas::auth
