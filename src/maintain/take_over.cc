// Ends what a pod that died was finishing.
#include <map>

#include "maintain/slices.h"
#include "maintain/tally.h"
#include "mas/maintain/repair.h"

namespace mas::maintain {
namespace {

constexpr std::uint32_t kMost = 1000;  // sealed uploads looked at in one step
constexpr Duration kInterval = object::kFinishTouch;

class TakeOverWorker final : public Worker {
 public:
  TakeOverWorker(const Dependencies& deps, object::Objects& objects)
      : deps_(deps), objects_(objects) {}

  [[nodiscard]] std::string name() const override { return "take-over"; }
  void describe(WorkerStatus& status) const override { tally_.describe(status); }

  Task<Result<Duration>> step() override {
    MAS_CO_TRY(std::vector<meta::Upload> sealed, co_await deps_.meta.sealed(kMost));
    const SliceSet own = own_slices(*deps_.view.current());
    const Instant now = deps_.clock.now();
    std::map<Id128, Sight> seen;
    std::vector<meta::Upload> abandoned;
    for (meta::Upload& upload : sealed) {
      if (!own[upload.id.bytes[0]]) continue;
      auto before = seen_.find(upload.id);
      const bool untouched = before != seen_.end() && before->second.touches == upload.touches;
      const Sight sight = untouched ? before->second : Sight{upload.touches, now};
      seen[upload.id] = sight;
      if (now - sight.since >= object::kAbandonedAfter) abandoned.push_back(std::move(upload));
    }
    seen_ = std::move(seen);
    for (meta::Upload& upload : abandoned) {
      // Tried anew after as long again, should it fail.
      seen_.erase(upload.id);
      MAS_CO_CHECK(co_await objects_.take_over(std::move(upload)));
      tally_.add(1, 1, deps_.clock.now());
    }
    co_return kInterval;
  }

 private:
  struct Sight {
    std::uint64_t touches = 0;
    Instant since;  // `touches` has not changed
  };

  Dependencies deps_;
  object::Objects& objects_;
  Tally tally_{"uploads"};
  std::map<Id128, Sight> seen_;
};

}  // namespace

std::unique_ptr<Worker> make_take_over_worker(const Dependencies& deps, object::Objects& objects) {
  return std::make_unique<TakeOverWorker>(deps, objects);
}

}  // namespace mas::maintain
