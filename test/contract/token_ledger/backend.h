// What an adapter supplies to run the TokenLedger contract suite: one file with make_backend().
#pragma once

#include <memory>

#include "mas/auth/token_ledger.h"

namespace mas::test {

class LedgerBackend {
 public:
  virtual ~LedgerBackend() = default;
  [[nodiscard]] virtual auth::TokenLedger& ledger() = 0;
  // Moves the ledger's clock on.
  virtual void advance(Duration d) = 0;
};

// An empty ledger under `options`.
[[nodiscard]] std::unique_ptr<LedgerBackend> make_backend(const config::Token& options);

}  // namespace mas::test
