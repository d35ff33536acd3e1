#include "mas/maintain/leavers_look.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "maintain/walk.h"
#include "mas/object/search.h"
#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/sync.h"

namespace mas::maintain {
namespace {

using membership::Look;

constexpr Duration kPause = std::chrono::seconds(30);
// So that looking takes a fifth of the time at most.
constexpr int kRest = 4;

class Looking final : public LeaversLook {
 public:
  explicit Looking(const SettleDependencies& deps) : deps_(deps) {}

  Look look(std::uint64_t version) override {
    std::lock_guard lock(mutex_);
    if (running_) return Look::under_way;
    const Instant now = deps_.clock.now();
    const bool known = version_ == version && last_ != Look::under_way;
    const bool fresh = last_ == Look::whole || now - ended_ < pause_;
    if (known && fresh) return last_;
    // What was found missing stays so until another look says otherwise.
    const Look before = known ? last_ : Look::under_way;
    version_ = version;
    begun_ = now;
    running_ = spawn(deps_.executor, gate_, run(version), "look without leavers");
    return before;
  }

  Task<void> close() override {
    closing_ = true;
    return gate_.close();
  }

 private:
  Task<void> run(std::uint64_t version) {
    auto walking = contain(walk(version), "look without leavers");
    Result<bool> whole = co_await std::move(walking);
    if (whole.has_error()) log::debug("leavers_look.failed", {{"error", whole.error()}});
    std::lock_guard lock(mutex_);
    last_ = whole.has_value() && *whole ? Look::whole : Look::incomplete;
    ended_ = deps_.clock.now();
    pause_ = std::max(kPause, kRest * (ended_ - begun_));
    running_ = false;
  }

  Task<Result<bool>> walk(std::uint64_t version) {
    Walk walk(deps_.meta, SliceSet().set());
    for (;;) {
      if (closing_ || deps_.view.current()->layout.version != version) co_return false;
      MAS_CO_TRY(std::optional<WalkBatch> batch, co_await walk.next());
      if (!batch) co_return true;
      const bool whole = co_await is_whole(*std::move(batch));
      if (!whole) co_return false;
    }
  }

  Task<bool> is_whole(WalkBatch batch) {
    const auto view = deps_.view.current();
    const std::vector<object::Standing> standings = co_await deps_.upkeep.inspect(batch.stripes);
    // A row that is narrower than the profile has no place for the rest, which somebody may have.
    std::vector<object::StripeRef> narrow;
    for (std::size_t i = 0; i < standings.size(); ++i) {
      const auto& object = batch.subjects[i]->object;
      const object::StripeRef& stripe = batch.stripes[i];
      const object::Standing& standing = standings[i];
      if (object && object->damaged) continue;
      const std::size_t width =
          view->layout.row(layout::partition_of(stripe.extent.id, stripe.number)).size();
      if (standing.held < std::min(standing.meant, static_cast<int>(width))) co_return false;
      if (standing.held < standing.needed) narrow.push_back(stripe);
    }
    if (narrow.empty()) co_return true;
    const std::vector<object::Found> found = co_await object::search(deps_.transport, view, narrow);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i].shards < narrow[i].extent.profile.k) co_return false;
    }
    co_return true;
  }

  const SettleDependencies deps_;
  Gate gate_;
  std::atomic<bool> closing_{false};
  mutable std::mutex mutex_;
  bool running_ = false;
  Look last_ = Look::under_way;  // what the last one found; under_way: there was none
  std::uint64_t version_ = 0;
  Instant begun_;
  Instant ended_;
  Duration pause_ = kPause;
};

}  // namespace

std::unique_ptr<LeaversLook> make_leavers_look(const SettleDependencies& deps) {
  return std::make_unique<Looking>(deps);
}

}  // namespace mas::maintain
