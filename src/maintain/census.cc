// Counts what this pod holds without a reason, and removes what belongs to another pod that has it.
// What is made of manifests: manifest_census.h.
//
// Unexplained is an extent that no object and no upload refers to and that is not on the list of
// freed ones, at two passes in a row: an upload of one stripe is in that state until it is
// committed. Nothing of it is removed here; with maintain.collect_unexplained it is put on the list
// of freed extents, which collection treats like any other. So is, without that, what names a file
// of which something later is known (superseded_stripes.h).
//
// The deletion of a file must stay known for as long as a shard names the file as live. What there
// was when a pass began, it has looked at when the next one ends, and when it ends itself if it saw
// nothing for the first time. How far the freed list had been worked off when that pass began is
// what the ledger is told; collection goes by it (collect.cc). Nothing is told of passes during
// which a data directory was away.
//
// A stray is a shard that its row, no longer changing, gives to another pod. It is marked when that
// pod says that it has the shard, and removed when it still says so after the grace. Marks are kept
// in memory by the time this process runs: a restart only makes strays stay longer.
#include <algorithm>
#include <map>
#include <set>

#include "maintain/manifest_census.h"
#include "maintain/superseded_stripes.h"
#include "maintain/tally.h"
#include "maintain/throttle.h"
#include "mas/maintain/repair.h"
#include "mas/object/holders.h"
#include "mas/observe/log.h"
#include "mas/store/directories.h"

namespace mas::maintain {
namespace {

constexpr std::size_t kPage = 512;
constexpr std::uint32_t kFreedPage = 1000;
constexpr std::size_t kMostMarks = 65'536;
constexpr std::size_t kMostSuspects = 65'536;
constexpr int kIntervals = 6;  // of repair from pass to pass
constexpr Duration kPause = std::chrono::milliseconds(20);

class CensusWorker final : public Worker {
 public:
  CensusWorker(const config::Maintain& options, const RepairDependencies& deps)
      : options_(options),
        deps_(deps),
        manifests_(deps.base),
        removed_(deps.base.metrics.counter("mas_strays_removed_total",
                                           "Shards removed because another pod holds them.")) {}

  [[nodiscard]] std::string name() const override { return "census"; }
  void describe(WorkerStatus& status) const override { tally_.describe(status); }

  // A page of records.
  Task<Result<Duration>> step() override {
    auto view = deps_.base.view.current();
    if (view->halted() || view->distrusts != distrusts_) {
      // What an empty or old store refers to says nothing.
      distrusts_ = view->distrusts;
      start_again();
      seen_.clear();
      last_.reset();
      manifests_.forget_all();
      deps_.ledger.publish(Unexplained{});
      if (view->halted()) co_return options_.repair_interval;
    }
    if (!after_) begin();
    MAS_CO_TRY(auto page, co_await deps_.base.store.list(after_, kPage));
    MAS_CO_CHECK(co_await look_at(page));
    records_ += page.size();
    tally_.add(page.size(), static_cast<double>(page.size()), deps_.base.clock.now());
    bool ended = page.size() < kPage;
    if (!ended) {
      after_ = page.back().key;
      double all =
          static_cast<double>(std::max<std::uint64_t>(deps_.base.store.usage().records, 1));
      tally_.set_progress(static_cast<double>(records_) / all);
      co_return std::max(kPause, breather(deps_.upkeep.strain()));
    }
    Result<void> finished = co_await finish();
    start_again();
    MAS_CO_CHECK(std::move(finished));
    tally_.set_progress(1);
    const Duration rest = kIntervals * options_.repair_interval;
    co_return rest;
  }

 private:
  struct Stray {
    layout::MemberIndex holder;
    RecordKey key;
  };
  using Records = std::vector<store::RecordInfo>;

  void begin() {
    from_ = deps_.ledger.removed();
    reach_ = store::reach(deps_.base.store);
  }

  Task<Result<void>> look_at(const Records& page) {
    std::vector<Id128> extents;
    for (const store::RecordInfo& record : page) {
      if (record.key.kind != RecordKind::shard) continue;
      if (extents.empty() || extents.back() != record.key.extent()) {
        extents.push_back(record.key.extent());
      }
    }
    std::set<Id128> referenced;
    if (!extents.empty()) {
      MAS_CO_TRY(std::vector<bool> answers, co_await deps_.base.meta.referenced(extents));
      for (std::size_t i = 0; i < extents.size(); ++i) {
        if (answers.at(i)) referenced.insert(extents[i]);
      }
    }
    MAS_CO_TRY(std::set<RecordKey> needed, co_await manifests_.look_at(page));
    auto view = deps_.base.view.current();
    std::vector<Stray> strays;
    std::vector<RecordKey> examined;
    for (const store::RecordInfo& record : page) {
      bool shard = record.key.kind == RecordKind::shard;
      if (shard && !referenced.contains(record.key.extent())) {
        // What there is no room to remember is not left for the next pass.
        const bool due = !suspect(record.key.extent()) || seen_.contains(record.key.extent());
        if (due && record.key.major == 0) examined.push_back(record.key);
      } else if (!shard && !needed.contains(record.key)) {
        // Noted already.
      } else if (auto holder = belongs_to_another(*view, record.key)) {
        strays.push_back({*holder, record.key});
      }
    }
    MAS_CO_CHECK(co_await sort_out(std::move(view), std::move(strays)));
    MAS_CO_TRY(std::size_t superseded, co_await free_superseded(deps_.base, std::move(examined)));
    if (superseded > 0) log::info("census.stripes_superseded", {{"extents", superseded}});
    co_return Result<void>();
  }

  // False if there is no room to remember it.
  bool suspect(const Id128& extent) {
    const bool room = suspects_.size() < kMostSuspects || suspects_.contains(extent);
    if (room) ++suspects_[extent];
    overflows_ = overflows_ || !room;
    return room;
  }

  // The pod that a record belongs to, if that is certain and not this one.
  static std::optional<layout::MemberIndex> belongs_to_another(const membership::ClusterView& view,
                                                               const RecordKey& key) {
    std::uint32_t partition = key.kind == RecordKind::shard
                                  ? layout::partition_of(key.extent(), key.major)
                                  : layout::partition_of(key.hash());
    if (object::is_changing(view.layout, partition)) return std::nullopt;
    auto holder = object::row_holder(view.layout, partition, key.minor);
    if (!holder || *holder == view.self) return std::nullopt;
    return holder;
  }

  // Marks strays that their holders have too, and removes those marked for the grace.
  Task<Result<void>> sort_out(std::shared_ptr<const membership::ClusterView> view,
                              std::vector<Stray> strays) {
    std::map<layout::MemberIndex, std::vector<RecordKey>> by_holder;
    for (const Stray& stray : strays) by_holder[stray.holder].push_back(stray.key);
    std::vector<RecordKey> gone;
    for (const auto& [holder, keys] : by_holder) {
      Result<std::vector<bool>> held = co_await deps_.transport.have(holder, keys);
      // Without an answer nothing is marked and no mark is taken away.
      bool told = held.has_value() && held->size() == keys.size();
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (!told) {
          keep_mark(keys[i]);
        } else if (!(*held)[i]) {
          marks_.erase(keys[i]);
          if (keys[i].kind == RecordKind::shard) deps_.upkeep.report({keys[i]});
        } else if (is_due(keys[i])) {
          gone.push_back(keys[i]);
        }
      }
    }
    // The layout of now must be the one that was asked under.
    auto now = deps_.base.view.current();
    bool same = now->layout.version == view->layout.version && object::may_remove(*now);
    if (gone.empty() || !same) co_return Result<void>();
    for (const RecordKey& key : gone) marks_.erase(key);
    removed_.add(static_cast<double>(gone.size()));
    co_return co_await deps_.base.store.remove(std::move(gone));
  }

  void keep_mark(const RecordKey& key) {
    auto at = marks_.find(key);
    if (at != marks_.end()) at->second.pass = pass_;
  }

  // Marks it if it was not; true if it has been marked for the grace.
  bool is_due(const RecordKey& key) {
    auto at = marks_.find(key);
    if (at == marks_.end()) {
      if (marks_.size() < kMostMarks) marks_[key] = {deps_.base.clock.now(), pass_};
      return false;
    }
    at->second.pass = pass_;
    return deps_.base.clock.now() - at->second.since > options_.grace;
  }

  Task<Result<void>> finish() {
    MAS_CO_TRY(const std::uint64_t until, co_await forget_freed());
    tell_searched(until);
    // What was no stray any more at this pass.
    std::erase_if(marks_, [this](const auto& mark) { return mark.second.pass != pass_; });
    Unexplained unexplained;
    unexplained.records = records_;
    unexplained.strays = marks_.size();
    std::vector<meta::Extent> confirmed;
    for (const auto& [extent, shards] : suspects_) {
      if (!seen_.contains(extent)) continue;
      unexplained.shards += shards;
      meta::Extent named;
      named.id = extent;
      named.length = 1;
      named.stripe_size = 1;
      confirmed.push_back(named);
    }
    seen_ = std::move(suspects_);
    MAS_CO_TRY(unexplained.manifests, co_await manifests_.finish(options_.collect_unexplained));
    deps_.ledger.publish(unexplained);
    if (unexplained.too_many() && !options_.collect_unexplained) {
      log::error(
          "nothing refers to much of what is stored: collection stops until "
          "maintain.collect_unexplained is set",
          {{"shards", unexplained.shards},
           {"manifests", unexplained.manifests},
           {"records", unexplained.records}});
    }
    if (!options_.collect_unexplained || confirmed.empty()) co_return Result<void>();
    MAS_CO_CHECK(co_await membership::take_generations(deps_.base.meta, deps_.base.watch, 1));
    log::warn("shards that nothing refers to are given up", {{"shards", unexplained.shards}});
    std::int64_t now = deps_.base.clock.wall().unix_seconds();
    co_return co_await deps_.base.meta.free(std::move(confirmed), now);
  }

  // Takes what is on the freed list off the suspects. After the references were asked for, so that
  // what was freed meanwhile is found here. Returns the last entry of a stripe that this pod has.
  Task<Result<std::uint64_t>> forget_freed() {
    std::uint64_t after = 0;
    std::uint64_t until = 0;
    while (!suspects_.empty() || overflows_ || manifests_.asks_for_freed()) {
      MAS_CO_TRY(auto page, co_await deps_.base.meta.freed(after, kFreedPage));
      for (const meta::FreedEntry& freed : page) {
        const bool here = !freed.manifests && suspects_.erase(freed.extent.id) > 0;
        const bool may_name_file = here && object::stripe_count(freed.extent) == 1;
        if (may_name_file || overflows_) until = freed.sequence;
        manifests_.forget(freed);
      }
      if (page.size() < kFreedPage) break;
      after = page.back().sequence;
    }
    co_return until;
  }

  // What is no suspect any more was referred to, or is on the list up to `until`.
  void tell_searched(std::uint64_t until) {
    const store::Reach now = store::reach(deps_.base.store);
    if (!reach_.is_whole || !now.is_whole || now.losses != reach_.losses) {
      last_.reset();
      return;
    }
    const auto is_new = [this](const auto& suspect) { return !seen_.contains(suspect.first); };
    const bool any_new = std::any_of(suspects_.begin(), suspects_.end(), is_new);
    if (!any_new) {
      deps_.ledger.publish(Searched{from_, until});
    } else if (last_) {
      deps_.ledger.publish(Searched{*last_, until});
    }
    last_ = from_;
  }

  void start_again() {
    after_.reset();
    suspects_.clear();
    manifests_.start_again();
    records_ = 0;
    overflows_ = false;
    ++pass_;
  }

  struct Mark {
    Instant since;
    std::uint64_t pass = 0;  // that saw it last
  };

  config::Maintain options_;
  RepairDependencies deps_;
  ManifestCensus manifests_;
  observe::Counter& removed_;
  Tally tally_{"records"};
  std::optional<RecordKey> after_;
  std::uint64_t pass_ = 0;
  std::uint64_t distrusts_ = 0;
  std::uint64_t records_ = 0;                // of this pass
  std::map<Id128, std::uint64_t> suspects_;  // unreferenced extents of this pass, with shards
  std::map<Id128, std::uint64_t> seen_;      // those of the last one that were not freed
  bool overflows_ = false;                   // there are more suspects than are kept
  Removed from_;                             // when this pass began
  store::Reach reach_;                       // at that time
  std::optional<Removed> last_;              // when the last one began, if all was within reach
  std::map<RecordKey, Mark> marks_;
};

}  // namespace

std::unique_ptr<Worker> make_census_worker(const config::Maintain& options,
                                           RepairDependencies deps) {
  return std::make_unique<CensusWorker>(options, deps);
}

}  // namespace mas::maintain
