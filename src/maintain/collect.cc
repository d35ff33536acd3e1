// Gives back the room of what nothing refers to any more.
//
// Only the metadata's freed list names what may go, and only once this pod has itself known it to
// be on the list for the grace, in time that it ran: no wall clock has a part in it, as one pod's
// wrong clock would take the grace from everybody's downloads. A restart may prolong a grace. Right
// before a shard is removed the metadata is asked again whether an object or an upload refers to
// its extent; if one does, the list is wrong and collection stops there. The manifest that the
// record of its hash goes by is never removed. What was never freed is left alone.
//
// A deleted file ends in two steps, in an order that no crash turns into a revival, should the
// metadata be rebuilt from what is stored. At once its content and the manifests before the
// deletion are listed as freed, where they wait for the grace. Its record, and with it the
// deletion's own manifest, stays until every slot of the layout has removed all of that: a pod that
// is away may hold a piece that names the file as live, and until that is gone the deletion has to
// be known. Only then is the record erased and the deletion's manifest listed as freed.
//
// An upload of one stripe that came to nothing may have left such a piece where no list names it.
// The census finds it. So a pod says that it has removed an entry of the list only when a census
// that began after that has ended, and what it found is removed, too. Removing waits for nothing of
// this.
//
// The same holds for a data directory of this pod that is away: what was removed meanwhile comes
// back with it. So the pod removes what it reaches, but says so only when it reaches everything,
// after having gone through the list once more; the list is what remembers. One that has stopped
// writing is away in that sense until the next start: it keeps what it holds.
#include <algorithm>
#include <optional>
#include <utility>

#include "maintain/early_removal.h"
#include "maintain/freed_marks.h"
#include "maintain/freed_remover.h"
#include "maintain/freed_tally.h"
#include "maintain/freed_words.h"
#include "maintain/marks_file.h"
#include "maintain/tally.h"
#include "mas/layout/leavers.h"
#include "mas/maintain/freed_board.h"
#include "mas/maintain/scheduler.h"
#include "mas/object/holders.h"
#include "mas/observe/log.h"
#include "mas/store/directories.h"

namespace mas::maintain {
namespace {

constexpr std::uint32_t kEntries = 64;  // of a step; 1 GiB has 256 stripes
constexpr std::uint32_t kObjects = 32;
constexpr std::uint32_t kListed = 1000;  // entries in one look for the list's end
// Of the grace: what a restart may forget of the time that an entry has been known.
constexpr int kSaves = 96;
constexpr Duration kSaveRest = std::chrono::seconds(1);
constexpr Duration kListening = std::chrono::minutes(1);
constexpr Duration kWhileAsked = std::chrono::seconds(3);
constexpr Duration kWhileFull = std::chrono::seconds(10);  // between looks, the disk being full

class CollectWorker final : public Worker {
 public:
  CollectWorker(const config::Maintain& options, const Dependencies& deps, Ledger* ledger,
                std::optional<MarksFile> file, std::optional<FreedWords> words)
      : options_(options),
        deps_(deps),
        ledger_(ledger),
        board_(words ? &words->board : nullptr),
        file_(std::move(file)),
        marks_(options.grace),
        remover_(deps),
        early_(options.grace, deps, remover_, waiting_),
        extents_(deps.metrics.counter("mas_collect_extents_total",
                                      "Entries of the freed list collected.")),
        objects_(deps.metrics.counter("mas_collect_objects_total", "Deleted objects erased.")) {
    if (words) words_.emplace(deps, remover_, waiting_, *std::move(words));
  }

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
      past_ = told_ = searched_ = 0;
      awaited_.reset();
      waiting_.start_again();
      early_.start_again();
      if (words_) words_->start_again();
    }
    if (!std::exchange(loaded_, true)) co_await load();
    MAS_CO_TRY(bool more_condemned, co_await release_condemned());
    if (words_ && !more_condemned) MAS_CO_CHECK(co_await words_->put_asked());
    MAS_CO_CHECK(co_await look());
    MAS_CO_TRY(bool more_freed, co_await collect_freed());
    auto removing = early_.step(past_, believing_);
    MAS_CO_TRY(bool more_early, co_await std::move(removing));
    bool more_now = false;
    if (words_) {
      auto following = words_->step(past_, believing_);
      MAS_CO_TRY(more_now, co_await std::move(following));
    }
    MAS_CO_TRY(bool more_released, co_await erase_released());
    show();
    const bool more = more_condemned || more_freed || more_early || more_now || more_released;
    if (more) co_return Duration(0);
    co_return pause();
  }

 private:
  using Objects = std::vector<meta::Object>;

  // Until the next look, there being nothing more to do now.
  [[nodiscard]] Duration pause() const {
    if (board_ != nullptr && board_->is_asked()) return Duration(0);
    Duration most = options_.collect_interval;
    if (waiting_.entries() > 0) {
      most =
          std::min(most, std::max<Duration>(EarlyRemoval::rest_of(options_.grace) / 2, kSaveRest));
      // A word of another pod's operator may have come.
      if (words_) most = std::min<Duration>(most, kListening);
    }
    // Whoever deletes to make room wants to see what comes of it.
    const bool is_full = board_ != nullptr && board_->is_full();
    if (is_full || !deps_.store.usage().writable) most = std::min<Duration>(most, kWhileFull);
    if (words_ && words_->has_words()) most = std::min<Duration>(most, kWhileAsked);
    return most;
  }

  // The first step of deleted objects, whatever time they carry. True if there may be more of them.
  Task<Result<bool>> release_condemned() {
    MAS_CO_TRY(Objects objects, co_await deps_.meta.condemned(INT64_MAX, kObjects));
    MAS_CO_CHECK(co_await believe(!objects.empty()));
    for (const meta::Object& object : objects) {
      // For pods of mas 0.1.0, who go by that time: not before it was listed.
      const std::int64_t now = deps_.clock.wall().unix_seconds();
      const std::int64_t at = std::max(now, object.condemned_at);
      Result<void> released = co_await deps_.meta.release(object.hash, object.generation, at);
      MAS_CO_CHECK(unless_changed(std::move(released)));
    }
    co_return objects.size() == kObjects;
  }

  // The second step, of those whose last entry has left the list. True if there may be more.
  Task<Result<bool>> erase_released() {
    MAS_CO_TRY(auto head, co_await deps_.meta.freed(0, 1));
    const std::uint64_t before = head.empty() ? UINT64_MAX : head.front().sequence;
    MAS_CO_TRY(Objects objects, co_await deps_.meta.released(before, kObjects));
    MAS_CO_CHECK(co_await believe(!objects.empty()));
    for (const meta::Object& object : objects) {
      // As of now: a pod that found the manifest missing may be writing it.
      const std::int64_t now = deps_.clock.wall().unix_seconds();
      Result<void> erased = co_await deps_.meta.erase(object.hash, object.generation, now);
      if (erased.has_value()) objects_.add();
      MAS_CO_CHECK(unless_changed(std::move(erased)));
    }
    co_return objects.size() == kObjects;
  }

  // Before something is changed for good: that the store is not older than what this pod has seen.
  Task<Result<void>> believe(bool needed) {
    if (!needed) co_return Result<void>();
    MAS_CO_CHECK(co_await membership::take_generations(deps_.meta, deps_.watch, 1));
    co_return Result<void>();
  }

  // Uploaded again meanwhile, or another pod was faster.
  static Result<void> unless_changed(Result<void> done) {
    if (done.has_error() && done.error().code() == Code::conflict) return {};
    return done;
  }

  // Notes how far the list goes now.
  Task<Result<void>> look() {
    const Instant looked = deps_.clock.now();
    // What is not on the list any more is collected, or this is another list.
    while (const FreedMarks::Mark* last = marks_.last()) {
      MAS_CO_TRY(auto at, co_await deps_.meta.freed(last->sequence - 1, 1));
      if (!at.empty() && FreedMarks::is_of(*last, at.front())) break;
      marks_.drop_last();
    }
    for (bool more = true; more;) {
      const std::uint64_t after = waiting_.last() ? waiting_.last()->sequence : 0;
      MAS_CO_TRY(auto page, co_await deps_.meta.freed(after, kListed));
      more = page.size() == kListed;
      for (const meta::FreedEntry& entry : page) {
        waiting_.note(entry);
        if (words_) words_->see(entry);
      }
    }
    const FreedMarks::Mark* last = marks_.last();
    const auto& end = waiting_.last();
    const bool is_new = end && (last == nullptr || end->sequence > last->sequence);
    if (is_new && marks_.wants(deps_.clock.now())) marks_.add(*end, deps_.clock.now());
    early_.look(end ? &*end : nullptr, looked);
    co_await save();
    co_return Result<void>();
  }

  // What an operator is told of it.
  void show() {
    if (board_ == nullptr) return;
    const Instant now = deps_.clock.now();
    const std::uint64_t last = waiting_.last() ? waiting_.last()->sequence : 0;
    const std::size_t members = deps_.view.current()->layout.active_count();
    FreedOutlook outlook;
    outlook.entries = waiting_.entries();
    outlook.bytes = waiting_.bytes() / std::max<std::size_t>(members, 1);
    outlook.next = outlook.all = now;
    if (outlook.entries > 0) {
      outlook.next = marks_.due_at(past_ + 1).value_or(now + options_.grace);
      outlook.all = marks_.due_at(last).value_or(now + options_.grace);
    }
    board_->publish(outlook);
    board_->set_gone_before(early_.gone_before());
  }

  // Without what was kept every grace starts anew.
  Task<void> load() {
    if (!file_) co_return;
    Result<std::string> bytes = co_await read_marks(*file_, FreedMarks::most_bytes());
    if (bytes.has_value() && bytes->empty()) co_return;
    const Instant now = deps_.clock.now();
    Result<void> loaded = bytes.has_value() ? marks_.load(*bytes, now) : bytes.error();
    if (loaded.has_error()) {
      log::warn("collect.marks_lost", {{"file", file_->path}, {"error", loaded.error()}});
    }
  }
  // A full disk must not keep it from giving room back.
  Task<void> save() {
    const Instant now = deps_.clock.now();
    const Duration rest = std::max(options_.grace / kSaves, kSaveRest);
    const bool due = !saved_ || now - *saved_ >= rest;
    if (!file_ || !due || (marks_.last() == nullptr && !saved_)) co_return;
    saved_ = now;
    Result<void> written = co_await write_marks(*file_, marks_.save(now));
    if (written.has_error() && log::once_a_minute("collect marks")) {
      log::warn("collect.marks_not_kept", {{"file", file_->path}, {"error", written.error()}});
    }
  }

  // Walks the freed list from its head to the last entry past the grace. True if there may be more
  // to do at once.
  Task<Result<bool>> collect_freed() {
    see_directories();
    if (is_partial_ && reach_.is_whole) {
      past_ = told_;
      is_partial_ = false;
    }
    MAS_CO_TRY(auto page, co_await deps_.meta.freed(past_, kEntries));
    const std::uint64_t due = marks_.due(deps_.clock.now());
    const bool is_due = !page.empty() && page.front().sequence <= due;
    MAS_CO_CHECK(co_await believe(is_due));
    std::uint64_t collected = 0;
    for (const meta::FreedEntry& freed : page) {
      if (freed.sequence > due) break;
      MAS_CO_CHECK(co_await remover_.remove(freed));
      waiting_.collected(freed);
      past_ = freed.sequence;
      ++collected;
    }
    see_directories();
    const std::uint64_t sure = look_at_census();
    if (sure > told_ && !is_partial_) MAS_CO_CHECK(co_await tell_collected(sure));
    extents_.add(static_cast<double>(collected));
    tally_.add(collected, static_cast<double>(collected), deps_.clock.now());
    co_return collected == kEntries;
  }

  // Up to where of the list nothing is left of what it names, nor of what only a census finds.
  std::uint64_t look_at_census() {
    if (ledger_ == nullptr) return past_;
    const Removed removed{distrusts_, version_, past_};
    ledger_->publish(removed);
    const Searched latest = ledger_->searched();
    // What is waited for is not put off by what later ones find.
    if (!awaited_ && latest.from.same_list(removed)) awaited_ = latest;
    if (awaited_ && past_ >= awaited_->until) {
      searched_ = std::max(searched_, awaited_->from.past);
      awaited_.reset();
    }
    return std::min(past_, searched_);
  }

  // Notes that something was removed only where it could be reached.
  void see_directories() {
    const store::Reach now = store::reach(deps_.store);
    is_partial_ = is_partial_ || !now.is_whole || now.losses != reach_.losses;
    reach_ = now;
  }

  Task<Result<void>> tell_collected(std::uint64_t past) {
    auto view = deps_.view.current();
    // It may have changed since the step began.
    if (!object::may_remove(*view)) co_return Result<void>();
    std::vector<std::string> slots;
    for (const layout::Member& member : view->layout.members) {
      if (layout::is_present(member)) slots.push_back(member.slot);
    }
    // Its index counts those who have left.
    std::string self = view->layout.members.at(view->self).slot;
    if (waits_for_older(view->layout, view->self)) co_return Result<void>();
    MAS_CO_CHECK(co_await deps_.meta.collected(std::move(self), past, std::move(slots)));
    told_ = past;
    co_return Result<void>();
  }

  // Whether an older directory of this pod's slot may take the slot back: what was deleted since it
  // went has to stay on the list for it.
  static bool waits_for_older(const layout::Layout& layout, layout::MemberIndex self) {
    const layout::Member& mine = layout.members.at(self);
    const auto sources = layout::sources(layout);
    return mine.fresh || std::any_of(sources.begin(), sources.end(), [&](auto source) {
             const layout::Member& older = layout.members[source];
             return older.slot == mine.slot && layout::may_take_back(older);
           });
  }

  config::Maintain options_;
  Dependencies deps_;
  Ledger* ledger_;
  FreedBoard* board_;
  const std::optional<MarksFile> file_;
  FreedMarks marks_;
  FreedRemover remover_;
  FreedTally waiting_;
  EarlyRemoval early_;
  std::optional<WordFollower> words_;
  const std::function<Task<Result<void>>()> believing_ = [this] { return believe(true); };
  bool loaded_ = false;
  std::optional<Instant> saved_;
  observe::Counter& extents_;
  observe::Counter& objects_;
  Tally tally_{"extents"};
  std::uint64_t past_ = 0;  // everything up to here is collected by this pod
  store::Reach reach_;
  bool is_partial_ = false;  // not all of the list up to past_ was removed everywhere
  std::uint64_t distrusts_ = 0;
  std::uint64_t version_ = 0;        // of the layout
  std::uint64_t searched_ = 0;       // up to here the census has nothing more to say
  std::optional<Searched> awaited_;  // not all of what it found is removed
  std::uint64_t told_ = 0;           // the metadata knows that all is gone up to here
};

}  // namespace

std::unique_ptr<Worker> make_collect_worker(const config::Maintain& options, Dependencies deps,
                                            Ledger* ledger, std::optional<MarksFile> file) {
  return std::make_unique<CollectWorker>(options, deps, ledger, std::move(file), std::nullopt);
}

std::unique_ptr<Worker> make_collect_worker(const config::Maintain& options, Dependencies deps,
                                            Ledger* ledger, std::optional<MarksFile> file,
                                            FreedWords words) {
  return std::make_unique<CollectWorker>(options, deps, ledger, std::move(file), std::move(words));
}

}  // namespace mas::maintain
