#include "backend.h"
#include "mas/auth/memory_ledger.h"
#include "mas/fs/fault_fs.h"
#include "support/fake_clock.h"

namespace mas::test {
namespace {

class MemoryBackend final : public LedgerBackend {
 public:
  explicit MemoryBackend(const config::Token& options)
      : ledger_(auth::make_memory_ledger(options, clock_, *fs_, "")) {}
  auth::TokenLedger& ledger() override { return *ledger_; }
  void advance(Duration d) override { clock_.advance(d); }

 private:
  FakeClock clock_;
  std::unique_ptr<fs::FaultFs> fs_ = fs::make_fault_fs(1);
  std::unique_ptr<auth::MemoryLedger> ledger_;
};

}  // namespace

std::unique_ptr<LedgerBackend> make_backend(const config::Token& options) {
  return std::make_unique<MemoryBackend>(options);
}

}  // namespace mas::test
