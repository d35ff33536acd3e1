// Gives back the room of what nothing refers to any more.
//
// Only the metadata's list of freed extents names what may go, and only once it has been on it for
// the grace. Right before a shard is removed the metadata is asked again whether an object or an
// upload refers to its extent; if one does, the list is wrong and collection stops there. Shards
// that nothing refers to and that were never freed are left alone.
#include "maintain/grace.h"
#include "maintain/own_records.h"
#include "maintain/tally.h"
#include "mas/layout/leavers.h"
#include "mas/maintain/scheduler.h"
#include "mas/object/holders.h"
#include "mas/observe/log.h"

namespace mas::maintain {
namespace {

constexpr std::uint32_t kExtents = 64;  // of a step; 1 GiB has 256 stripes
constexpr std::uint32_t kObjects = 32;

class CollectWorker final : public Worker {
 public:
  CollectWorker(const config::Maintain& options, const Dependencies& deps, const Ledger* ledger)
      : options_(options),
        deps_(deps),
        ledger_(ledger),
        grace_(deps.clock, options.grace),
        shards_(deps.metrics.counter("mas_collect_shards_total", "Shards removed as garbage.")),
        extents_(deps.metrics.counter("mas_collect_extents_total", "Freed extents collected.")),
        objects_(deps.metrics.counter("mas_collect_objects_total", "Deleted objects erased.")),
        refused_(deps.metrics.counter("mas_collect_refused_total",
                                      "Freed extents found referred to; none should ever be.")) {}

  [[nodiscard]] std::string name() const override { return "collect"; }
  void describe(WorkerStatus& status) const override { tally_.describe(status); }

  Task<Result<Duration>> step() override {
    // The census has said so in the log.
    bool doubtful = ledger_ != nullptr && ledger_->unexplained().too_many();
    if (doubtful && !options_.collect_unexplained) {
      co_return Error(Code::refused,
                      "Nothing refers to more than 5 % of the stored shards; nothing is collected "
                      "until maintain.collect_unexplained is set.");
    }
    auto view = deps_.view.current();
    if (!object::may_remove(*view)) co_return options_.collect_interval;
    if (view->distrusts != distrusts_ || view->layout.version != version_) {
      // The list may be another one, or put together anew: a rebuild raises the layout's version,
      // which also those hear of who did not see that the store was lost.
      distrusts_ = view->distrusts;
      version_ = view->layout.version;
      past_ = told_ = 0;
    }
    bool more_objects = false;
    if (everybody_is_up(*view)) {
      MAS_CO_TRY(more_objects, co_await erase_condemned());
    }
    MAS_CO_TRY(bool more_extents, co_await collect_freed());
    co_return more_objects || more_extents ? Duration(0) : options_.collect_interval;
  }

 private:
  // A pod that is away may hold a piece that names its file as live: as long as it may come back,
  // the deletion must be known to a rebuild of the metadata.
  static bool everybody_is_up(const membership::ClusterView& view) {
    for (std::size_t i = 0; i < view.layout.members.size(); ++i) {
      const bool present = layout::is_present(view.layout.members[i]);
      if (present && object::is_down(view, static_cast<layout::MemberIndex>(i))) return false;
    }
    return true;
  }

  // Ends deleted objects past the grace. True if there may be more of them.
  Task<Result<bool>> erase_condemned() {
    MAS_CO_TRY(auto objects, co_await deps_.meta.condemned(grace_.horizon(), kObjects));
    if (!objects.empty()) {
      MAS_CO_CHECK(co_await membership::take_generations(deps_.meta, deps_.watch, 1));
    }
    for (const meta::Object& object : objects) MAS_CO_CHECK(co_await erase(object));
    co_return objects.size() == kObjects;
  }

  // In an order that no crash turns into a revival, should the metadata be rebuilt from what is
  // stored: manifests of the content, the record, the content, and the deletion's own manifest
  // last.
  Task<Result<void>> erase(meta::Object object) {
    std::uint64_t deletion = object.generation;
    MAS_CO_CHECK(co_await remove_manifests(deps_.store, object.hash, deletion - 1));
    // Freed as of the deletion: the grace has passed once, that is enough.
    Result<void> erased = co_await deps_.meta.erase(object.hash, deletion, object.condemned_at);
    if (erased.has_error() && erased.error().code() == Code::conflict) {
      co_return Result<void>();  // uploaded again meanwhile
    }
    MAS_CO_CHECK(std::move(erased));
    for (const meta::Extent& extent : object.extents) {
      MAS_CO_CHECK(co_await remove(extent.id));
    }
    MAS_CO_CHECK(co_await remove_manifests(deps_.store, object.hash, deletion));
    objects_.add();
    co_return Result<void>();
  }

  // Walks the freed list from its head to the first extent within the grace. True if there may be
  // more to do at once.
  Task<Result<bool>> collect_freed() {
    MAS_CO_TRY(auto page, co_await deps_.meta.freed(past_, kExtents));
    std::int64_t horizon = grace_.horizon();
    bool due = !page.empty() && page.front().freed_at < horizon;
    if (due) MAS_CO_CHECK(co_await membership::take_generations(deps_.meta, deps_.watch, 1));
    std::uint64_t collected = 0;
    for (const meta::FreedExtent& freed : page) {
      if (freed.freed_at >= horizon) break;
      MAS_CO_CHECK(co_await remove(freed.extent.id));
      past_ = freed.sequence;
      ++collected;
    }
    if (past_ > told_) MAS_CO_CHECK(co_await tell_collected());
    extents_.add(static_cast<double>(collected));
    tally_.add(collected, static_cast<double>(collected), deps_.clock.now());
    co_return collected == kExtents;
  }

  Task<Result<void>> tell_collected() {
    auto view = deps_.view.current();
    // It may have changed since the step began.
    if (!object::may_remove(*view)) co_return Result<void>();
    std::vector<std::string> slots;
    for (const layout::Member& member : view->layout.members) {
      if (layout::is_present(member)) slots.push_back(member.slot);
    }
    // Its index counts those who have left.
    std::string self = view->layout.members.at(view->self).slot;
    MAS_CO_CHECK(co_await deps_.meta.collected(std::move(self), past_, std::move(slots)));
    told_ = past_;
    co_return Result<void>();
  }

  // All shards this pod has of `extent`, if the metadata agrees that nothing refers to it.
  Task<Result<void>> remove(Id128 extent) {
    std::vector<Id128> asked{extent};
    MAS_CO_TRY(auto referenced, co_await deps_.meta.referenced(std::move(asked)));
    if (referenced.at(0)) {
      refused_.add();
      log::error("a freed extent is referred to; collection stops", {{"extent", extent.hex()}});
      co_return Error(Code::internal, "A freed extent is still referred to; nothing is collected.");
    }
    MAS_CO_TRY(std::uint64_t removed, co_await remove_shards(deps_.store, extent));
    shards_.add(static_cast<double>(removed));
    co_return Result<void>();
  }

  config::Maintain options_;
  Dependencies deps_;
  const Ledger* ledger_;
  Grace grace_;
  observe::Counter& shards_;
  observe::Counter& extents_;
  observe::Counter& objects_;
  observe::Counter& refused_;
  Tally tally_{"extents"};
  std::uint64_t past_ = 0;  // everything up to here is collected by this pod
  std::uint64_t distrusts_ = 0;
  std::uint64_t version_ = 0;  // of the layout
  std::uint64_t told_ = 0;     // and the metadata knows it up to here
};

}  // namespace

std::unique_ptr<Worker> make_collect_worker(const config::Maintain& options, Dependencies deps,
                                            const Ledger* ledger) {
  return std::make_unique<CollectWorker>(options, deps, ledger);
}

}  // namespace mas::maintain
