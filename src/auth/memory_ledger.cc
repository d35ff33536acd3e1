#include "mas/auth/memory_ledger.h"

#include <mutex>

#include "auth/lifetimes.h"
#include "mas/observe/log.h"

namespace mas::auth {
namespace {

// About 100 bytes each: beyond this new tokens are refused until others end.
constexpr std::size_t kCapacity = 500'000;
constexpr std::uint64_t kFileLimit = 64 << 20;

class TableLedger final : public MemoryLedger {
 public:
  TableLedger(const config::Token& options, Clock& clock, fs::Fs& fs, std::string file)
      : clock_(clock), fs_(fs), file_(std::move(file)), table_(options, kCapacity) {
    if (!file_.empty()) load();
  }

  Task<Result<LedgerEntry>> use(Id128 token, WallTime issued_at) override {
    std::lock_guard lock(mutex_);
    WallTime now = clock_.wall();
    MAS_CO_TRY(WallTime end, table_.use(token, issued_at, now));
    co_return LedgerEntry{now, end};
  }
  Task<Result<LedgerEntry>> renew(Id128 token, WallTime issued_at) override {
    std::lock_guard lock(mutex_);
    WallTime now = clock_.wall();
    co_return LedgerEntry{now, table_.renew(token, issued_at, now)};
  }
  Task<Result<WallTime>> now() override { co_return clock_.wall(); }
  Task<Result<void>> ping() override { co_return Result<void>(); }

  Result<void> save() override {
    if (file_.empty()) return {};
    std::string bytes;
    {
      std::lock_guard lock(mutex_);
      bytes = table_.save(clock_.wall());
    }
    // Replaced whole, but not synced: a power loss may cost tokens, never data.
    std::string next = file_ + ".new";
    fs::OpenOptions options;
    options.access = fs::Access::read_write;
    options.create = true;
    options.truncate = true;
    MAS_TRY(auto file, fs_.open(next, options));
    ByteView piece = as_bytes(bytes);
    MAS_CHECK(file->write_at(0, {&piece, 1}));
    return fs_.rename(next, file_);
  }

 private:
  void load() {
    auto bytes = fs::read_file(fs_, file_, kFileLimit);
    if (bytes.has_error() && bytes.error().code() == Code::not_found) return;
    auto loaded =
        bytes.has_error() ? Result<void>(bytes.error()) : table_.load(*bytes, clock_.wall());
    if (loaded.has_error()) {
      log::warn("token lifetimes start anew", {{"error", loaded.error()}});
    }
  }

  Clock& clock_;
  fs::Fs& fs_;
  std::string file_;
  std::mutex mutex_;
  Lifetimes table_;
};

}  // namespace

std::unique_ptr<MemoryLedger> make_memory_ledger(const config::Token& options, Clock& clock,
                                                 fs::Fs& fs, std::string file) {
  return std::make_unique<TableLedger>(options, clock, fs, std::move(file));
}

}  // namespace mas::auth
