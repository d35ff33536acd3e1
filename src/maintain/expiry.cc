// Ends uploads that nobody has continued in time.
#include "maintain/tally.h"
#include "mas/maintain/scheduler.h"
#include "mas/observe/log.h"

namespace mas::maintain {
namespace {

constexpr std::uint32_t kBatch = 100;

class ExpiryWorker final : public Worker {
 public:
  ExpiryWorker(const config::Maintain& options, const Dependencies& deps)
      : options_(options),
        deps_(deps),
        expired_(deps.metrics.counter("mas_uploads_expired_total",
                                      "Uploads ended because nobody continued them.")) {}

  [[nodiscard]] std::string name() const override { return "expiry"; }
  void describe(WorkerStatus& status) const override { tally_.describe(status); }

  Task<Result<Duration>> step() override {
    if (deps_.view.current()->halted()) co_return options_.expire_interval;
    std::int64_t now = deps_.clock.wall().unix_seconds();
    MAS_CO_TRY(auto uploads, co_await deps_.meta.expired(now, kBatch));
    // An old store may list as open what was published since.
    if (!uploads.empty()) {
      MAS_CO_CHECK(co_await membership::check_metadata(deps_.meta, deps_.watch));
    }
    std::uint64_t ended = 0;
    for (const meta::Upload& upload : uploads) {
      // Refused if it was continued or sealed since the list was made.
      MAS_CO_TRY(bool done, co_await deps_.meta.expire(upload.id, now, now));
      if (!done) continue;
      ++ended;
      expired_.add();
      log::info("upload expired", {{"hash", upload.hash.hex()}, {"parts", upload.part_count}});
    }
    tally_.add(ended, static_cast<double>(ended), deps_.clock.now());
    co_return uploads.size() == kBatch ? Duration(0) : options_.expire_interval;
  }

 private:
  config::Maintain options_;
  Dependencies deps_;
  observe::Counter& expired_;
  Tally tally_{"uploads"};
};

}  // namespace

std::unique_ptr<Worker> make_expiry_worker(const config::Maintain& options, Dependencies deps) {
  return std::make_unique<ExpiryWorker>(options, deps);
}

}  // namespace mas::maintain
