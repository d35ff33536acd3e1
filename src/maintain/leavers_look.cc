#include "mas/maintain/leavers_look.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "maintain/walk.h"
#include "mas/object/search.h"
#include "mas/object/settling.h"
#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/sync.h"

namespace mas::maintain {
namespace {

using membership::Look;

constexpr Duration kPause = std::chrono::seconds(30);
// So that looking takes a fifth of the time at most.
constexpr int kRest = 4;

// What weighs more: whole, incomplete, needed.
Look heavier(Look a, Look b) { return std::max(a, b); }

class Looking final : public LeaversLook {
 public:
  explicit Looking(const LookDependencies& deps) : deps_(deps) {}

  Look look(std::uint64_t version) override {
    Look known = Look::under_way;
    if (!take(version, known)) return known;
    // Outside the lock: on the executor's own thread the look begins, and may end, in here.
    const bool begun = spawn(deps_.executor, gate_, run(version), "look without leavers");
    std::lock_guard lock(mutex_);
    if (!begun) running_ = false;
    return known;
  }

  Task<void> close() override {
    closing_ = true;
    return gate_.close();
  }

 private:
  // Whether a look has to begin; it counts as running from here on. `known`: what is found so far.
  bool take(std::uint64_t version, Look& known) {
    std::lock_guard lock(mutex_);
    if (running_) return false;
    const Instant now = deps_.clock.now();
    const bool same = version_ == version && last_ != Look::under_way;
    // What was found missing stays so until another look says otherwise.
    if (same) known = last_;
    if (same && (last_ == Look::whole || now - ended_ < pause_)) return false;
    if (version_ != version) whole_.reset();
    version_ = version;
    begun_ = now;
    running_ = true;
    return true;
  }

  Task<void> run(std::uint64_t version) {
    auto walking = contain(walk(version), "look without leavers");
    Result<Look> found = co_await std::move(walking);
    if (found.has_error()) log::debug("leavers_look.failed", {{"error", found.error()}});
    std::lock_guard lock(mutex_);
    last_ = found.has_value() ? *found : Look::incomplete;
    ended_ = deps_.clock.now();
    pause_ = std::max(kPause, kRest * (ended_ - begun_));
    running_ = false;
  }

  Task<Result<Look>> walk(std::uint64_t version) {
    Look found = Look::whole;
    for (std::size_t slice = 0; slice < kSlices; ++slice) {
      // Only one look runs at a time.
      if (whole_[slice]) continue;
      MAS_CO_TRY(const Look one, co_await look_at(slice, version));
      if (one == Look::whole) whole_.set(slice);
      found = heavier(found, one);
      // Nothing that the rest could say would change it.
      if (found == Look::needed) break;
    }
    co_return found;
  }

  Task<Result<Look>> look_at(std::size_t slice, std::uint64_t version) {
    Walk walk(deps_.meta, SliceSet().set(slice));
    Look found = Look::whole;
    for (;;) {
      // After each batch, too: what it was asked under must have been this layout.
      const bool other = deps_.view.current()->layout.version != version;
      if (closing_ || other) co_return Error(Code::closed, "The layout has changed.");
      MAS_CO_TRY(std::optional<WalkBatch> batch, co_await walk.next());
      if (!batch) co_return found;
      const Look one = co_await look_at(*std::move(batch));
      found = heavier(found, one);
      if (found == Look::needed) co_return found;
    }
  }

  // A stripe that its row has too little of to read it. A row that is narrower than the profile has
  // no place for the rest, which somebody may have.
  struct Short {
    object::StripeRef stripe;
    bool in_place;   // as much of it as the row has place for
    bool of_upload;  // and of no file yet
  };

  Task<Look> look_at(WalkBatch batch) {
    const auto view = deps_.view.current();
    const std::vector<object::Standing> standings = co_await deps_.upkeep.inspect(batch.stripes);
    std::vector<Short> few;
    Look found = Look::whole;
    for (std::size_t i = 0; i < standings.size(); ++i) {
      const auto& object = batch.subjects[i]->object;
      const object::StripeRef& stripe = batch.stripes[i];
      const object::Standing& standing = standings[i];
      if (object && object->damaged) continue;
      const std::uint32_t partition = layout::partition_of(stripe.extent.id, stripe.number);
      const bool in_place = object::is_in_place(standing, view->layout, partition);
      if (standing.held < standing.needed) {
        few.push_back({stripe, in_place, !object.has_value()});
      } else if (!in_place) {
        found = Look::incomplete;
      }
    }
    if (few.empty()) co_return found;
    co_return heavier(found, co_await search(view, std::move(few)));
  }

  Task<Look> search(std::shared_ptr<const membership::ClusterView> view, std::vector<Short> few) {
    std::vector<object::StripeRef> stripes;
    for (const Short& one : few) stripes.push_back(one.stripe);
    const std::vector<object::Found> shards =
        co_await object::search(deps_.transport, view, stripes);
    Look found = Look::whole;
    for (std::size_t i = 0; i < shards.size(); ++i) {
      if (shards[i].shards >= stripes[i].extent.profile.k) {
        if (!few[i].in_place) found = heavier(found, Look::incomplete);
        continue;
      }
      // Who is silent may have it, too.
      Look one = shards[i].unanswered ? Look::incomplete : Look::needed;
      if (one == Look::needed && few[i].of_upload) one = co_await try_repair(stripes[i]);
      found = heavier(found, one);
    }
    co_return found;
  }

  // Nothing marks what an upload has lost, and it may stay open for long. Trying is how one knows
  // whether those who have left still have it.
  Task<Look> try_repair(object::StripeRef stripe) {
    Result<object::Mended> mended = co_await deps_.upkeep.repair(stripe, object::Care::quick);
    if (mended.has_error()) co_return Look::incomplete;
    if (mended->beyond_repair || mended->unreferenced) co_return Look::whole;
    co_return mended->standing.spare() < 0 ? Look::needed : Look::incomplete;
  }

  const LookDependencies deps_;
  Gate gate_;
  std::atomic<bool> closing_{false};
  SliceSet whole_;  // under version_
  mutable std::mutex mutex_;
  bool running_ = false;
  Look last_ = Look::under_way;  // what the last one found; under_way: there was none
  std::uint64_t version_ = 0;
  Instant begun_;
  Instant ended_;
  Duration pause_ = kPause;
};

}  // namespace

std::unique_ptr<LeaversLook> make_leavers_look(const LookDependencies& deps) {
  return std::make_unique<Looking>(deps);
}

}  // namespace mas::maintain
