#include "maintain/repair_worker.h"

#include <algorithm>

#include "maintain/slices.h"
#include "maintain/throttle.h"
#include "mas/observe/log.h"

namespace mas::maintain {
namespace {

constexpr Duration kIdle = std::chrono::seconds(1);
// Stripes that wait for their turn in a walk.
constexpr std::size_t kMostNeeds = 1024;
constexpr std::size_t kMostToClear = 256;

// At the end of a walk, the fraction of the interval before the next one that a hint or a failed
// repair asks for.
constexpr int kHintedShare = 10;

bool is_whole(const LedgerPicture& picture) {
  return std::none_of(picture.rows.begin(), picture.rows.end(),
                      [](const LedgerRow& row) { return row.lost > 0; });
}

bool is_less_urgent(const object::Standing& a, const object::Standing& b) {
  return a.spare() > b.spare();
}

std::uint64_t plain_bytes(const object::StripeRef& stripe) {
  return object::stripe_length(stripe.extent, stripe.number);
}

}  // namespace

RepairWorker::RepairWorker(const config::Maintain& options, const RepairDependencies& deps)
    : options_(options),
      deps_(deps),
      failed_repairs_(deps.base.metrics.counter(
          "mas_repair_failed_total", "Repairs that failed; the next walk tries them again.")) {}

void RepairWorker::describe(WorkerStatus& status) const {
  tally_.describe(status);
  std::lock_guard lock(mutex_);
  if (failures_ == 0 || !status.last_error.empty()) return;
  status.last_error =
      std::to_string(failures_) + " repairs of the last walk failed, the last with: " + failure_;
}

Task<Result<Duration>> RepairWorker::step() {
  // First what somebody fell over, but never only that.
  hint_came_first_ = !hint_came_first_;
  if (hint_came_first_ || !walk_) {
    auto hint = deps_.upkeep.next_hint();
    if (hint) co_return co_await mend_hint(*hint);
  }
  auto view = deps_.base.view.current();
  bool stale = walk_ && view->layout.version != layout_version_;
  if (stale || (!walk_ && is_due())) begin();
  if (!walk_) co_return kIdle;
  co_return co_await go_on();
}

bool RepairWorker::is_due() const {
  if (!ended_) return true;
  auto view = deps_.base.view.current();
  if (view->layout.version != layout_version_ || live_members(*view) != live_) return true;
  // Who comes back may have what was given up for missing; who goes takes nothing along.
  const std::vector<Id128> sources = live_sources(*view);
  if (std::any_of(sources.begin(), sources.end(), [this](const Id128& source) {
        return std::find(sources_.begin(), sources_.end(), source) == sources_.end();
      })) {
    return true;
  }
  Duration rested = deps_.base.clock.now() - *ended_;
  // What failed may work by now, here or on the pod that fell over it.
  bool soon = hinted_ || failures_ > 0;
  return rested >= (soon ? options_.repair_interval / kHintedShare : options_.repair_interval);
}

void RepairWorker::begin() {
  auto view = deps_.base.view.current();
  // What was known of manifests is not, where pods went or came.
  bool same = view->layout.version == layout_version_ && live_members(*view) == live_;
  checked_up_to_ = same && ended_ && failures_ == 0 ? highest_seen_ : 0;
  highest_seen_ = 0;
  layout_version_ = view->layout.version;
  live_ = live_members(*view);
  sources_ = live_sources(*view);
  own_ = own_slices(*view);
  failed_.reset();
  tallies_.clear();
  needs_.clear();
  to_clear_.clear();
  hinted_ = false;
  inspected_ = false;
  begun_ = deps_.base.clock.now();
  walk_.emplace(deps_.base.meta, own_);
  std::lock_guard lock(mutex_);
  failures_ = 0;
  failure_.clear();
}

Task<Result<Duration>> RepairWorker::go_on() {
  bool urgent = !needs_.empty() && needs_.front().standing.spare() <= 0;
  bool due = inspected_ || urgent || needs_.size() >= kMostNeeds;
  if (due && !needs_.empty()) co_return co_await mend_worst();
  if (!inspected_) {
    MAS_CO_TRY(std::optional<WalkBatch> batch, co_await walk_->next());
    inspected_ = !batch;
    if (batch) MAS_CO_CHECK(co_await inspect(*std::move(batch)));
    tally_.set_progress(walk_->progress());
    co_return rest_after(0);
  }
  if (!to_clear_.empty()) {
    std::shared_ptr<Subject> subject = std::move(to_clear_.back());
    to_clear_.pop_back();
    if (!subject->short_of_shards) co_await clear_mark(subject->object->hash);
    co_return rest_after(0);
  }
  finish();
  co_return Duration(0);
}

void RepairWorker::finish() {
  LedgerPicture picture = tallies_.picture();
  picture.complete = true;
  picture.walked_at = deps_.base.clock.wall().unix_seconds();
  picture.layout_version = layout_version_;
  picture.slices = own_;
  deps_.ledger.publish(std::move(picture));
  deps_.ledger.publish(Walked{layout_version_, begun_, own_ & ~failed_});
  ended_ = deps_.base.clock.now();
  walk_.reset();
  tally_.set_progress(1);
}

// ---- Hints ----

Task<Result<Duration>> RepairWorker::mend_hint(object::Hint hint) {
  Result<object::Mended> mended = object::Mended{};
  if (hint.key.kind == RecordKind::manifest) {
    MAS_CO_TRY(auto object, co_await deps_.base.meta.find(hint.key.hash()));
    if (!object || object->state != meta::ObjectState::live) co_return Duration(0);
    mended = co_await deps_.upkeep.repair_manifest(*std::move(object));
  } else {
    std::optional<object::StripeRef> stripe;
    if (hint.extent) {
      stripe = object::StripeRef{*hint.extent, hint.key.major};
    } else {
      stripe = co_await deps_.upkeep.stripe_of(hint.key);
    }
    if (stripe) mended = co_await deps_.upkeep.repair(*stripe, object::Care::thorough);
    // A walk knows the object it belongs to, and what to say of it.
    bool lost = !stripe || mended.has_error() || mended->beyond_repair;
    hinted_ |= !hint.extent && lost;
  }
  if (mended.has_error()) {
    failed_repairs_.add();
    if (log::once_a_minute("repair hint")) log::warn("repair failed", {{"error", mended.error()}});
    co_return rest_after(0);
  }
  // What the ledger counts as lost may be this.
  hinted_ |= mended->standing.lost() == 0 && !is_whole(deps_.ledger.picture());
  tally_.add(static_cast<std::uint64_t>(mended->rebuilt), static_cast<double>(mended->bytes),
             deps_.base.clock.now());
  co_return rest_after(mended->bytes);
}

// ---- The walk ----

Task<Result<void>> RepairWorker::inspect(WalkBatch batch) {
  std::vector<object::Standing> stripes = co_await deps_.upkeep.inspect(batch.stripes);
  std::vector<object::Standing> manifests =
      co_await deps_.upkeep.inspect_manifests(batch.manifests);
  for (std::size_t i = 0; i < stripes.size(); ++i) {
    note(batch.stripes[i], batch.subjects[i], stripes[i]);
  }
  for (std::size_t i = 0; i < manifests.size(); ++i) {
    note_manifest(batch.manifests[i], manifests[i]);
  }
  if (!ended_) deps_.ledger.publish(tallies_.picture());
  co_return Result<void>();
}

void RepairWorker::note(const object::StripeRef& stripe, std::shared_ptr<Subject> subject,
                        const object::Standing& standing) {
  tallies_.add(standing, plain_bytes(stripe));
  bool marked = subject->object && subject->object->damaged;
  bool listed = !to_clear_.empty() && to_clear_.back() == subject;
  if (marked && !listed && to_clear_.size() < kMostToClear) to_clear_.push_back(subject);
  if (standing.away > 0) failed_.set(subject->slice);
  if (standing.absent > 0) {
    std::size_t slice = subject->slice;
    push({standing, stripe, std::move(subject), std::nullopt, slice});
  } else if (standing.spare() < 0) {
    subject->short_of_shards = true;
  }
}

void RepairWorker::note_manifest(const meta::Object& object, const object::Standing& standing) {
  std::size_t slice = object.hash.bytes[0];
  bool live = object.state == meta::ObjectState::live;
  bool carried = live && object::has_one_stripe(object) && standing.held == 0;
  bool known = carried && object.generation <= checked_up_to_;
  highest_seen_ = std::max(highest_seen_, object.generation);
  if (known || standing.held == standing.meant) return;
  push({standing, {}, nullptr, object, slice});
}

void RepairWorker::push(Need need) {
  auto less = [](const Need& a, const Need& b) { return is_less_urgent(a.standing, b.standing); };
  needs_.push_back(std::move(need));
  std::push_heap(needs_.begin(), needs_.end(), less);
}

Task<Duration> RepairWorker::mend_worst() {
  auto less = [](const Need& a, const Need& b) { return is_less_urgent(a.standing, b.standing); };
  std::pop_heap(needs_.begin(), needs_.end(), less);
  Need need = std::move(needs_.back());
  needs_.pop_back();
  Result<object::Mended> mended = co_await mend(need);
  if (mended.has_error()) {
    if (need.subject && need.standing.spare() < 0) need.subject->short_of_shards = true;
    fail(need.slice, mended.error());
    co_return rest_after(0);
  }
  co_await judge(need, *mended);
  tally_.add(static_cast<std::uint64_t>(mended->rebuilt), static_cast<double>(mended->bytes),
             deps_.base.clock.now());
  co_return rest_after(mended->bytes);
}

Task<Result<object::Mended>> RepairWorker::mend(const Need& need) {
  if (need.manifest) co_return co_await deps_.upkeep.repair_manifest(*need.manifest);
  co_return co_await deps_.upkeep.repair(need.stripe, object::Care::quick);
}

// What a repair says of the stripe, its object and its slice.
Task<void> RepairWorker::judge(const Need& need, const object::Mended& mended) {
  if (need.manifest) {
    if (mended.standing.away > 0 && !mended.unreferenced) failed_.set(need.slice);
    co_return;
  }
  tallies_.remove(need.standing, plain_bytes(need.stripe));
  if (mended.unreferenced) co_return;
  tallies_.add(mended.standing, plain_bytes(need.stripe));
  if (mended.standing.away > 0) failed_.set(need.slice);
  if (mended.standing.spare() >= 0) co_return;
  need.subject->short_of_shards = true;
  const std::optional<meta::Object>& object = need.subject->object;
  if (!mended.beyond_repair || !object || object->damaged) co_return;
  Result<void> marked = co_await deps_.upkeep.mark(*object, true);
  if (marked.has_error()) {
    fail(need.slice, marked.error());
  } else {
    need.subject->object->damaged = true;
  }
}

// A mark is taken back only when every byte has been read again.
Task<void> RepairWorker::clear_mark(Hash hash) {
  Result<std::optional<meta::Object>> object = co_await deps_.base.meta.find(hash);
  if (object.has_error()) {
    fail(hash.bytes[0], object.error());
    co_return;
  }
  bool marked = *object && (*object)->state == meta::ObjectState::live && (*object)->damaged;
  if (!marked) co_return;
  Result<void> read = co_await deps_.upkeep.read_through(**object);
  if (read.has_error()) co_return;
  Result<void> cleared = co_await deps_.upkeep.mark(**object, false);
  if (cleared.has_error()) fail(hash.bytes[0], cleared.error());
}

void RepairWorker::fail(std::size_t slice, const Error& error) {
  failed_.set(slice);
  failed_repairs_.add();
  if (log::once_a_minute("repair")) log::warn("repair failed", {{"error", error}});
  std::lock_guard lock(mutex_);
  ++failures_;
  failure_ = std::string(code_name(error.code())) + ": " + error.message();
}

Duration RepairWorker::rest_after(std::uint64_t bytes) const {
  return std::max(time_of(bytes, options_.repair_rate), breather(deps_.upkeep.strain()));
}

std::unique_ptr<Worker> make_repair_worker(const config::Maintain& options,
                                           RepairDependencies deps) {
  return std::make_unique<RepairWorker>(options, deps);
}

}  // namespace mas::maintain
