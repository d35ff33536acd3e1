// The script that runs on the server: the rules of doc/http.md (Tokens), as auth/lifetimes.cc has
// them, on one key for each token that was used.
#pragma once

#include <optional>
#include <string>

#include "auth/redis/reply.h"
#include "mas/auth/token_ledger.h"

namespace mas::auth::redis {

enum class Operation { use, renew, now };

struct Request {
  Operation operation = Operation::now;
  Id128 token;         // use and renew
  WallTime issued_at;  // use and renew
};

// Knows the script by its digest, so that it travels only when the server does not have it.
class Script {
 public:
  // `ledger_clock`: null, or what stands in for the server's clock in tests.
  Script(const config::Token& options, Clock* ledger_clock);

  // The call by digest (EVALSHA), and with the script itself (EVAL), which the server then keeps.
  [[nodiscard]] Command short_call(const Request& request) const;
  [[nodiscard]] Command whole_call(const Request& request) const;

  // What the answer says. Errors: token_invalid, corrupt (not an answer of this script).
  [[nodiscard]] static Result<LedgerEntry> read(const Reply& reply);

 private:
  [[nodiscard]] Command call(const char* how, const std::string& script,
                             const Request& request) const;

  config::Token options_;
  Clock* ledger_clock_;
  std::string digest_;
};

}  // namespace mas::auth::redis
