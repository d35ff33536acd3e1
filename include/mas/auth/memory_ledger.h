// The embedded TokenLedger: a bounded table in memory, kept over restarts in a file that is not
// synced (losing it costs new tokens, never data).
#pragma once

#include <memory>

#include "mas/auth/token_ledger.h"
#include "mas/fs/fs.h"

namespace mas::auth {

// `file`: where the table is loaded from now and saved to by save(); "" for never.
class MemoryLedger : public TokenLedger {
 public:
  // Blocking. Writes the table out.
  virtual Result<void> save() = 0;
};

[[nodiscard]] std::unique_ptr<MemoryLedger> make_memory_ledger(const config::Token& options,
                                                               Clock& clock, fs::Fs& fs,
                                                               std::string file);

}  // namespace mas::auth
