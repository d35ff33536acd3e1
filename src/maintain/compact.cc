// Gives back the room of segments that are mostly garbage.
#include "maintain/tally.h"
#include "mas/maintain/scheduler.h"

namespace mas::maintain {
namespace {

class CompactWorker final : public Worker {
 public:
  CompactWorker(const config::Maintain& options, const Dependencies& deps)
      : options_(options),
        deps_(deps),
        segments_(deps.metrics.counter("mas_segments_compacted_total",
                                       "Segments copied forward and removed.")) {}

  [[nodiscard]] std::string name() const override { return "compact"; }
  void describe(WorkerStatus& status) const override { tally_.describe(status); }

  // One segment a step.
  Task<Result<Duration>> step() override {
    MAS_CO_TRY(bool compacted, co_await deps_.store.compact_one());
    if (compacted) segments_.add();
    tally_.add(compacted ? 1 : 0, compacted ? 1 : 0, deps_.clock.now());
    co_return compacted ? Duration(0) : options_.compact_interval;
  }

 private:
  config::Maintain options_;
  Dependencies deps_;
  observe::Counter& segments_;
  Tally tally_{"segments"};
};

}  // namespace

std::unique_ptr<Worker> make_compact_worker(const config::Maintain& options, Dependencies deps) {
  return std::make_unique<CompactWorker>(options, deps);
}

}  // namespace mas::maintain
