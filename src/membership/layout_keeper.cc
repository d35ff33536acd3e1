#include "membership/layout_keeper.h"

#include <algorithm>

#include "mas/layout/leavers.h"
#include "mas/observe/log.h"
#include "mas/runtime/offload.h"
#include "membership/freeze.h"

namespace mas::membership {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kReadEvery = seconds(10);
constexpr Duration kCheckEvery = minutes(1);
constexpr Duration kSaveEvery = seconds(10);
// Heartbeats that are reserved at a time, so that few of them cost a write.
constexpr std::uint64_t kSequencesAhead = 1U << 20;
constexpr Duration kAckAgain = minutes(1);
constexpr Duration kAcksEvery = seconds(30);  // by those whose turn is not the first

observe::Counter& proposals(observe::Metrics& metrics, const char* outcome) {
  return metrics.counter("mas_layout_proposals_total",
                         "Changes of the layout that this pod proposed, by outcome.",
                         {{"outcome", outcome}});
}

std::string joined_slots(const layout::Layout& layout,
                         const std::vector<layout::MemberIndex>& members) {
  std::string slots;
  for (layout::MemberIndex member : members) {
    slots += (slots.empty() ? "" : " ") + layout.members[member].slot;
  }
  return slots;
}

}  // namespace

LayoutKeeper::LayoutKeeper(State& state, Dependencies& deps, LeaversLook* look,
                           std::function<void()> changed)
    : state_(state),
      deps_(deps),
      look_(look),
      changed_(std::move(changed)),
      won_(proposals(deps.metrics, "won")),
      lost_(proposals(deps.metrics, "lost")),
      failed_(proposals(deps.metrics, "failed")) {
  rules_.join_after = state.options.join_after;
  rules_.leave_after = state.options.leave_after;
  rules_.profile = state.self.profile ? state.self.profile : layout::profile_for;
  rules_.can_hold_without = [this](const std::vector<std::string>& slots) {
    return deps_.duties.can_hold_without(slots);
  };
}

Task<Result<void>> LayoutKeeper::load() {
  auto read = [this]() -> Result<Kept> {
    MAS_CHECK(make_kept_directory(deps_.fs, deps_.directory));
    return load_kept(deps_.fs, deps_.directory);
  };
  MAS_CO_TRY(state_.kept, co_await offload(deps_.disk, std::move(read)));
  raise(state_.generation, state_.kept.generation);
  saved_generation_ = state_.kept.generation;
  // The time only for directories that have counted nothing yet: clocks are set back.
  const std::int64_t wall = std::max<std::int64_t>(deps_.clock.wall().unix_micros, 0);
  state_.sequence = std::max(static_cast<std::uint64_t>(wall), state_.kept.sequence);
  co_await reserve_sequences();
  started_ = deps_.clock.now();
  state_.pods.expect(present_members(state_.layout()), started_);
  co_return Result<void>();
}

Task<void> LayoutKeeper::tick() {
  const Instant now = deps_.clock.now();
  if (state_.doubted && generation_halt_ == 0) {
    halt_for_generation(distrust_generation(state_.doubted_at));
  }
  if (unsaved_) co_await save();
  if (now >= next_save_) co_await save_generation();
  co_await reserve_sequences();
  bool newer_heard = state_.pods.highest_layout() > state_.kept.version();
  bool unsure = !state_.confirmed || !state_.distrust.empty() || state_.layout().version == 0;
  if (newer_heard || unsure || now >= next_read_) {
    Result<void> done = co_await read();
    if (done.has_error()) co_return;
  }
  co_await check_generation();
  bool sure = state_.distrust.empty() && (counter_trusted_ || !state_.is_member());
  if (sure && !state_.confirmed) {
    state_.confirmed = true;
    changed_();
  }
  if (!state_.halted_why().empty()) {
    std::vector<std::string> nothing;
    note(std::move(nothing));
    // Nobody may be left who could give it its slot back.
    if (state_.is_source()) co_await change();
    notes_.clear();
    co_return;
  }
  if (state_.layout().version == 0) {
    co_await found();
    co_return;
  }
  co_await acknowledge();
  co_await change();
  co_await settle();
  co_await release();
  note(std::move(notes_));
  notes_.clear();
}

Task<Result<void>> LayoutKeeper::read() {
  next_read_ = deps_.clock.now() + kReadEvery;
  // Known before the call: what comes back must not be older.
  Kept known = state_.kept;
  auto found = co_await deps_.meta.current_layout();
  if (found.has_error()) {
    next_read_ = {};
    next_check_ = {};
    if (log::once_a_minute("layout read")) {
      log::warn("layout.unreadable", {{"error", found.error()}});
    }
    co_return found.error();
  }
  std::string wrong = distrust_layout(known, *found ? &**found : nullptr);
  if (!wrong.empty()) {
    next_check_ = {};
    distrust(wrong);
    co_return Error(Code::refused, std::move(wrong));
  }
  if (*found && (*found)->version > state_.kept.version()) co_await adopt(std::move(**found));
  if (generation_halt_ > 0) {
    if (state_.kept.version() <= generation_halt_) {
      co_return Error(Code::refused, state_.distrust);
    }
    // Worth another look, and not believed before it.
    generation_halt_ = 0;
    next_check_ = {};
    counter_trusted_ = false;
  } else if (counter_trusted_ || !state_.confirmed) {
    distrust({});
  }
  co_return Result<void>();
}

Task<Result<void>> LayoutKeeper::take_over(layout::Layout found) {
  if (state_.kept.knows_cluster() && found.cluster != state_.layout().cluster) {
    co_return Error(Code::refused, "The layout belongs to another cluster.");
  }
  if (found.version > state_.kept.version()) co_await adopt(std::move(found));
  if (unsaved_) co_return Error(Code::io, "The layout could not be kept on this pod's disk.");
  co_return Result<void>();
}

void LayoutKeeper::distrust(std::string reason) {
  if (state_.distrust == reason) return;
  if (state_.distrust.empty()) {
    ++state_.distrusts;
    log::error("cluster.halted", {{"why", reason}});
  } else if (reason.empty()) {
    log::info("cluster.resumed");
    state_.doubted = false;
  }
  state_.distrust = std::move(reason);
  changed_();
}

Task<void> LayoutKeeper::adopt(layout::Layout found) {
  state_.kept.adopt(std::move(found));
  // A newer layout is worth another look at the counter.
  state_.doubted = false;
  const layout::Layout& layout = state_.layout();
  state_.pods.expect(present_members(layout), deps_.clock.now());
  state_.standing = state_.judge();
  if (state_.is_member()) state_.kept.was_member = true;
  unsaved_ = true;
  log::info("layout.adopted", {{"version", layout.version}, {"members", layout.active_count()}});
  // On disk before anybody acts on it.
  co_await save();
  changed_();
}

Task<bool> LayoutKeeper::save() {
  auto turn = co_await disk_turn_.acquire(1);
  if (turn.has_error()) co_return false;
  const std::uint64_t version = state_.kept.version();
  auto write = [this, kept = state_.kept] { return save_layouts(deps_.fs, deps_.directory, kept); };
  Result<void> saved = co_await offload(deps_.disk, std::move(write));
  if (saved.has_error()) {
    if (log::once_a_minute("layout save")) log::error("layout.unsaved", {{"error", saved.error()}});
    co_return false;
  }
  if (state_.kept.version() == version) unsaved_ = false;
  co_return true;
}

Task<void> LayoutKeeper::save_generation() {
  const std::uint64_t highest = state_.generation.load();
  if (highest == saved_generation_) co_return;
  next_save_ = deps_.clock.now() + kSaveEvery;
  auto turn = co_await disk_turn_.acquire(1);
  if (turn.has_error()) co_return;
  auto write = [this, highest] {
    return membership::save_generation(deps_.fs, deps_.directory, highest);
  };
  Result<void> saved = co_await offload(deps_.disk, std::move(write));
  if (saved.has_value()) saved_generation_ = highest;
}

// Before they are said. A disk that takes nothing does not silence the pod: it is only as before,
// that the clock decides where the next process begins.
Task<void> LayoutKeeper::reserve_sequences() {
  if (state_.sequence + kSequencesAhead / 2 < reserved_) co_return;
  auto turn = co_await disk_turn_.acquire(1);
  if (turn.has_error()) co_return;
  const std::uint64_t upto = state_.sequence + kSequencesAhead;
  auto write = [this, upto] { return save_sequence(deps_.fs, deps_.directory, upto); };
  Result<void> saved = co_await offload(deps_.disk, std::move(write));
  if (saved.has_value()) reserved_ = upto;
  if (saved.has_error() && log::once_a_minute("sequence save")) {
    log::warn("sequence.unsaved", {{"error", saved.error()}});
  }
}

// Each look moves the counter on, so that a backup from before the last one is an older store.
Task<void> LayoutKeeper::check_generation() {
  const Instant now = deps_.clock.now();
  bool due = state_.is_member() && generation_halt_ == 0 && now >= next_check_;
  if (!due) co_return;
  next_check_ = now + kCheckEvery;
  const std::uint64_t known = state_.generation.load();
  auto taking = deps_.meta.next_generation_after(known, 1);
  Result<std::uint64_t> taken = co_await std::move(taking);
  if (taken.has_error() && taken.error().code() == Code::refused) {
    halt_for_generation(distrust_generation(known));
    co_return;
  }
  if (taken.has_error()) {
    next_check_ = {};
    co_return;
  }
  raise(state_.generation, *taken);
  counter_trusted_ = true;
  distrust({});
}

// It is looked at again only under a newer layout, which is what a rebuild ends with.
void LayoutKeeper::halt_for_generation(std::string wrong) {
  generation_halt_ = std::max<std::uint64_t>(state_.kept.version(), 1);
  counter_trusted_ = false;
  state_.doubted = true;
  distrust(std::move(wrong));
}

Task<void> LayoutKeeper::found() {
  if (ordinal_of(state_.self.slot) != 0) {
    std::vector<std::string> waiting{
        "There is no cluster yet: this pod waits for the first one (whose name ends in 0) to found "
        "it."};
    note(std::move(waiting));
    co_return;
  }
  // Time to hear of a cluster that has lost its store.
  bool listened = deps_.clock.now() - started_ >= state_.options.heartbeat * 2;
  if (!listened || state_.blind) co_return;
  // Beats of mas 0.1.0, which have no seal, say the cluster and no layout version that counts.
  if (state_.pods.highest_layout() > 0 || state_.pods.hears_of_cluster()) {
    std::vector<std::string> waiting{
        "The metadata store is empty, but other pods belong to a cluster: nothing is founded."};
    note(std::move(waiting));
    co_return;
  }
  layout::Layout first = layout::found(deps_.rng.id(), {member_of(state_.beat())});
  std::string what = "found";
  std::string slot = state_.self.slot;
  (void)co_await propose(std::move(first), std::move(what), std::move(slot));
}

Task<void> LayoutKeeper::acknowledge() {
  const std::uint64_t version = state_.kept.version();
  // Again while others wait for it: a store that comes back from a backup has forgotten.
  const bool again = !state_.layout().is_settled() && deps_.clock.now() >= next_ack_;
  if (!state_.is_member() || unsaved_ || (acknowledged_ >= version && !again)) co_return;
  Result<bool> drained = co_await deps_.duties.writes_drained(version);
  if (drained.has_error() || !*drained || state_.kept.version() != version) co_return;
  std::string slot = state_.self.slot;
  Result<void> done = co_await deps_.meta.acknowledge_layout(std::move(slot), version);
  if (done.has_error()) co_return;
  acknowledged_ = version;
  next_ack_ = deps_.clock.now() + kAckAgain;
}

bool LayoutKeeper::is_sure() const { return state_.confirmed && !state_.blind && !unsaved_; }

bool LayoutKeeper::may_propose() const { return state_.halted_why().empty() && is_sure(); }

std::size_t LayoutKeeper::rank() const {
  // Who is no member comes behind all who are.
  const std::string* before = state_.is_member() ? &state_.self.slot : nullptr;
  return members_alive(state_.layout(), state_.pods, before);
}

Scene LayoutKeeper::scene(const Heartbeat& self) const {
  return {state_.layout(), state_.pods, &self, deps_.clock.now(), !state_.frozen_why.empty()};
}

Task<void> LayoutKeeper::change() {
  // A source is halted, but may take its own slot again.
  if (!may_propose() && !(state_.is_source() && is_sure())) co_return;
  const Heartbeat self = state_.beat();
  const Instant now = deps_.clock.now();
  std::optional<Step> step = plan(scene(self), rules_, notes_);
  // Who is no member may only take its own slot again, when nobody is left to do it.
  const Change again = state_.is_source() ? Change::take_back : Change::take_over;
  const bool own = step && step->what == again && step->slots.front() == state_.self.slot;
  if (!step || !(state_.is_member() || own)) {
    change_turns_.rest();
    co_return;
  }
  if (!change_turns_.may_act(name_of(step->what), state_.kept.version(), rank(), now)) co_return;
  std::string slots;
  for (const std::string& slot : step->slots) slots += (slots.empty() ? "" : " ") + slot;
  std::string what = name_of(step->what);
  (void)co_await propose(std::move(step->next), std::move(what), std::move(slots));
}

// Every pod walks its share while the layout changes; the first to see that all of it was found in
// place, and whose turn it is, settles it. settle_book.h has the argument.
Task<void> LayoutKeeper::settle() {
  bool wanted = state_.is_member() && may_propose() && state_.frozen_why.empty() &&
                !state_.layout().is_settled();
  if (!wanted) {
    settle_turns_.rest();
    book_.rest();
    tell_settling({});
    co_return;
  }
  const std::uint64_t version = state_.kept.version();
  const std::size_t place = rank();
  (void)book_.look(settle_scene());
  co_await read_acknowledgements(place);
  if (state_.kept.version() != version) co_return;
  const std::optional<SettleBook::Agreement> agreement = book_.look(settle_scene());
  if (!agreement) {
    std::string missing;
    for (const std::string& slot : book_.waiting_for()) {
      missing += (missing.empty() ? "" : ", ") + slot;
    }
    if (!missing.empty()) notes_.push_back("The layout waits for writes on " + missing + ".");
    settle_turns_.rest();
    tell_settling({});
    co_return;
  }
  WalkOrder order{version, agreement->round, book_.found_by_others(settle_scene())};
  const SliceSet others = order.others.objects;
  Result<WalkedSlices> found = co_await deps_.duties.walk(std::move(order));
  if (found.has_error() || state_.kept.version() != version) co_return;
  tell_settling({0, version, agreement->without, *found});
  const bool whole = (others | found->objects).all();
  if (!whole) {
    settle_turns_.rest();
    co_return;
  }
  if (!may_propose() || !state_.frozen_why.empty()) co_return;
  if (!settle_turns_.may_act("settle", version, place, deps_.clock.now())) co_return;
  layout::Layout next = layout::settled(state_.layout());
  std::string what = "settle";
  std::string nobody;
  (void)co_await propose(std::move(next), std::move(what), std::move(nobody));
}

// Who has left is done without once a look has found everything in place with the others. Nothing
// waits for that but the word that something is lost.
Task<void> LayoutKeeper::release() {
  const layout::Layout& layout = state_.layout();
  const std::vector<layout::MemberIndex> sources = layout::sources(layout);
  if (sources.empty()) {
    last_look_.reset();
    co_return;
  }
  const bool wanted = state_.is_member() && may_propose() && state_.frozen_why.empty() &&
                      layout.is_settled() && rank() == 0;
  if (!wanted) co_return;
  const std::uint64_t version = state_.kept.version();
  const Look look = look_ == nullptr ? Look::incomplete : look_->look(version);
  if (look != Look::under_way) last_look_ = look;
  const bool tell = last_look_ && *last_look_ != Look::whole;
  if (tell) {
    for (std::string& sentence :
         notes_on_leavers(layout, state_.pods, *last_look_ == Look::needed)) {
      notes_.push_back(std::move(sentence));
    }
  }
  if (look != Look::whole) co_return;
  layout::Layout next = layout::given_up(state_.layout(), sources);
  std::string what = "release";
  std::string slots = joined_slots(state_.layout(), sources);
  (void)co_await propose(std::move(next), std::move(what), std::move(slots));
}

Task<Result<std::uint64_t>> LayoutKeeper::give_up(std::string slot) {
  if (!may_propose()) {
    std::string why = state_.halted_why().empty()
                          ? "This pod cannot change the layout now; try again shortly."
                          : state_.halted_why();
    co_return Error(Code::busy, std::move(why));
  }
  const Heartbeat self = state_.beat();
  MAS_CO_TRY(Step step, plan_give_up(scene(self), slot));
  if (!state_.is_member() && slot != state_.self.slot) {
    co_return Error(Code::refused, "This pod is no member of the cluster: ask one that is.");
  }
  std::string what = name_of(step.what);
  const std::uint64_t version = step.next.version;
  MAS_CO_CHECK(co_await propose(std::move(step.next), std::move(what), std::move(slot)));
  co_return version;
}

// What heartbeats say from now on.
void LayoutKeeper::tell_settling(Settling settling) {
  settling.acknowledged = acknowledged_;
  state_.settling = std::move(settling);
}

SettleBook::Scene LayoutKeeper::settle_scene() const {
  return {state_.layout(), state_.pods, state_.key, acknowledged_};
}

// Only where heartbeats do not say it all. Without an answer it stays at what they say.
Task<void> LayoutKeeper::read_acknowledgements(std::size_t place) {
  const Instant now = deps_.clock.now();
  if (!book_.store_may_know() || now < next_acks_) co_return;
  next_acks_ = place == 0 ? now : now + kAcksEvery;
  auto acks = co_await deps_.meta.layout_acknowledgements();
  if (acks.has_value()) book_.read(state_.layout(), *acks);
}

Task<Result<void>> LayoutKeeper::propose(layout::Layout next, std::string what, std::string slots) {
  std::uint64_t expected = state_.kept.version();
  layout::Layout sent = next;
  Result<void> done = co_await deps_.meta.propose_layout(expected, std::move(sent));
  next_read_ = {};  // whatever came of it
  const bool raced = done.has_error() && done.error().code() == Code::conflict;
  (done.has_value() ? won_ : raced ? lost_ : failed_).add();
  if (done.has_error()) {
    if (!raced) log::warn("layout.refused", {{"change", what}, {"error", done.error()}});
    if (!raced) co_return done;
    co_return Error(Code::busy, "The layout has just been changed by another pod; try again.");
  }
  log::info("layout.proposed", {{"version", next.version}, {"change", what}, {"slots", slots}});
  if (next.version > state_.kept.version()) co_await adopt(std::move(next));
  co_return Result<void>();
}

void LayoutKeeper::note(std::vector<std::string> waiting) {
  if (state_.waiting == waiting) return;
  for (const std::string& sentence : waiting) {
    const auto& old = state_.waiting;
    if (std::find(old.begin(), old.end(), sentence) == old.end()) {
      log::warn("layout.waiting", {{"why", sentence}});
    }
  }
  state_.waiting = std::move(waiting);
  changed_();
}

}  // namespace mas::membership
