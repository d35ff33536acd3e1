// Reads every shard of this pod again within scrub_period, so that rot is found while it can still
// be repaired.
#include <algorithm>

#include "maintain/tally.h"
#include "maintain/throttle.h"
#include "mas/maintain/scheduler.h"
#include "mas/observe/log.h"

namespace mas::maintain {
namespace {

constexpr std::uint64_t kStepBytes = 8 * kMiB;
constexpr Duration kLongestPause = std::chrono::minutes(1);

class ScrubWorker final : public Worker {
 public:
  ScrubWorker(const config::Maintain& options, const Dependencies& deps, object::Upkeep* upkeep)
      : options_(options),
        deps_(deps),
        upkeep_(upkeep),
        bytes_(deps.metrics.counter("mas_scrub_bytes_total", "Bytes read again by scrub.")),
        damaged_(deps.metrics.counter("mas_scrub_damaged_total", "Records scrub found damaged.")) {}

  [[nodiscard]] std::string name() const override { return "scrub"; }
  void describe(WorkerStatus& status) const override { tally_.describe(status); }

  Task<Result<Duration>> step() override {
    if (!from_) {
      started_ = deps_.clock.now();
      pass_bytes_ = 0;
    }
    std::uint64_t most = std::min(kStepBytes, std::max<std::uint64_t>(options_.scrub_rate, 1));
    MAS_CO_TRY(store::ScrubStep step, co_await deps_.store.scrub(from_, most));
    report(step);
    from_ = step.next;
    pass_bytes_ += step.bytes;
    std::uint64_t live = std::max<std::uint64_t>(deps_.store.usage().live, 1);
    tally_.add(step.records, static_cast<double>(step.bytes), deps_.clock.now());
    tally_.set_progress(from_ ? static_cast<double>(pass_bytes_) / static_cast<double>(live) : 1);
    if (!from_) co_return until_next_pass();
    Duration rest = upkeep_ == nullptr ? Duration(0) : breather(upkeep_->strain());
    co_return std::max(pause_after(step.bytes, live), rest);
  }

 private:
  void report(const store::ScrubStep& step) {
    bytes_.add(static_cast<double>(step.bytes));
    damaged_.add(static_cast<double>(step.damaged.size()));
    for (const RecordKey& key : step.damaged) {
      if (upkeep_ != nullptr) upkeep_->report({key});
      log::error("scrub found a damaged record",
                 {{"kind", key.kind == RecordKind::shard ? "shard" : "manifest"},
                  {"id", to_hex(key.id)},
                  {"major", key.major},
                  {"minor", key.minor}});
    }
  }

  // Spreads a pass over half of its period; never faster than scrub_rate, never longer than
  // kLongestPause, so that what is small is done soon.
  [[nodiscard]] Duration pause_after(std::uint64_t bytes, std::uint64_t live) const {
    auto share = static_cast<double>(bytes);
    std::chrono::duration<double> even = std::chrono::duration<double>(options_.scrub_period) / 2 *
                                         (share / static_cast<double>(live));
    std::chrono::duration<double> fastest(
        share / static_cast<double>(std::max<std::uint64_t>(options_.scrub_rate, 1)));
    std::chrono::duration<double> longest(kLongestPause);
    return std::chrono::duration_cast<Duration>(std::max(std::min(even, longest), fastest));
  }

  [[nodiscard]] Duration until_next_pass() const {
    Duration taken = deps_.clock.now() - started_;
    return std::max(options_.scrub_period - taken, kLongestPause);
  }

  config::Maintain options_;
  Dependencies deps_;
  object::Upkeep* upkeep_;
  observe::Counter& bytes_;
  observe::Counter& damaged_;
  Tally tally_{"bytes"};
  std::optional<RecordKey> from_;
  Instant started_;
  std::uint64_t pass_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Worker> make_scrub_worker(const config::Maintain& options, Dependencies deps,
                                          object::Upkeep* upkeep) {
  return std::make_unique<ScrubWorker>(options, deps, upkeep);
}

}  // namespace mas::maintain
