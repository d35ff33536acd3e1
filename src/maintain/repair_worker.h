// The repair worker: hints, walks, the ledger. See make_repair_worker.
#pragma once

#include <mutex>
#include <vector>

#include "maintain/tallies.h"
#include "maintain/tally.h"
#include "maintain/walk.h"
#include "mas/maintain/repair.h"

namespace mas::maintain {

class RepairWorker final : public Worker {
 public:
  RepairWorker(const config::Maintain& options, const RepairDependencies& deps);

  [[nodiscard]] std::string name() const override { return "repair"; }
  void describe(WorkerStatus& status) const override;
  // A hint, or a batch looked at, or a stripe repaired.
  Task<Result<Duration>> step() override;

 private:
  // A stripe or manifest that is not in place.
  struct Need {
    object::Standing standing;
    object::StripeRef stripe;          // unless it is a manifest
    std::shared_ptr<Subject> subject;  // of a stripe
    std::optional<meta::Object> manifest;
    std::size_t slice = 0;
  };

  // Why a walk has to begin, judged by what has changed since the last one began.
  [[nodiscard]] bool is_due() const;
  void begin();
  Task<Result<Duration>> go_on();
  void finish();

  Task<Result<Duration>> mend_hint(object::Hint hint);
  Task<Result<void>> inspect(WalkBatch batch);
  void note(const object::StripeRef& stripe, std::shared_ptr<Subject> subject,
            const object::Standing& standing);
  void note_manifest(const meta::Object& object, const object::Standing& standing);
  void push(Need need);
  Task<Duration> mend_worst();
  Task<Result<object::Mended>> mend(const Need& need);
  Task<void> judge(const Need& need, const object::Mended& mended);
  Task<void> clear_mark(Hash hash);
  void fail(std::size_t slice, const Error& error);
  [[nodiscard]] Duration rest_after(std::uint64_t bytes) const;

  config::Maintain options_;
  RepairDependencies deps_;
  observe::Counter& failed_repairs_;
  Tally tally_{"bytes"};

  // The walk under way, or the last one.
  std::optional<Walk> walk_;
  bool inspected_ = false;  // all of it has been looked at
  Instant begun_;
  std::uint64_t layout_version_ = 0;
  std::vector<Id128> live_;
  std::vector<Id128> sources_;
  SliceSet own_;
  SliceSet failed_;
  Tallies tallies_;
  std::vector<Need> needs_;                         // a heap, the most at risk on top
  std::vector<std::shared_ptr<Subject>> to_clear_;  // objects marked damaged

  // Objects up to this generation are known to have a manifest or to carry it.
  std::uint64_t checked_up_to_ = 0;
  std::uint64_t highest_seen_ = 0;

  std::optional<Instant> ended_;
  bool hinted_ = false;  // a hint asks for a walk soon
  bool hint_came_first_ = false;

  mutable std::mutex mutex_;
  std::uint64_t failures_ = 0;  // of this walk
  std::string failure_;
};

}  // namespace mas::maintain
