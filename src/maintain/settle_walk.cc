#include "mas/maintain/settle_walk.h"

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

// From a walk that found something missing to the next one.
constexpr Duration kPause = std::chrono::seconds(5);

// A row that is narrower than the profile has no place for the rest: waiting for it would keep out
// the very pods that make the row wider.
bool in_place(const object::Standing& standing, const layout::Layout& layout,
              std::uint32_t partition) {
  return standing.held >= std::min(standing.meant, static_cast<int>(layout.row(partition).size()));
}

// An object of one stripe carries its record in its shards.
bool has_manifest(const meta::Object& object, const object::Standing& standing,
                  const layout::Layout& layout) {
  return in_place(standing, layout, layout::partition_of(object.hash)) ||
         (object::has_one_stripe(object) && standing.held == 0);
}

class Settling final : public SettleWalk {
 public:
  explicit Settling(const SettleDependencies& deps) : deps_(deps) {}

  bool complete(std::uint64_t version, Instant since) override {
    std::lock_guard lock(mutex_);
    if (running_) return false;
    const bool fits = version_ == version && begun_ >= since;
    if (fits && clean_) return true;
    if (fits && deps_.clock.now() - ended_ < kPause) return false;
    version_ = version;
    begun_ = deps_.clock.now();
    clean_ = false;
    running_ = spawn(deps_.executor, gate_, run(version), "settle walk");
    return false;
  }

  bool running() const override {
    std::lock_guard lock(mutex_);
    return running_;
  }

  Task<void> close() override {
    closing_ = true;
    return gate_.close();
  }

 private:
  Task<void> run(std::uint64_t version) {
    auto walking = contain(walk(version), "settle walk");
    Result<bool> clean = co_await std::move(walking);
    if (clean.has_error()) log::debug("settle_walk.failed", {{"error", clean.error()}});
    std::lock_guard lock(mutex_);
    clean_ = clean.has_value() && *clean;
    ended_ = deps_.clock.now();
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
    std::vector<object::Standing> stripes = co_await deps_.upkeep.inspect(batch.stripes);
    std::vector<object::StripeRef> missing;
    for (std::size_t i = 0; i < stripes.size(); ++i) {
      const auto& object = batch.subjects[i]->object;
      const object::StripeRef& stripe = batch.stripes[i];
      const std::uint32_t partition = layout::partition_of(stripe.extent.id, stripe.number);
      const bool is_there = in_place(stripes[i], view->layout, partition);
      if (!is_there && !(object && object->damaged)) missing.push_back(stripe);
    }
    const bool at_rest = co_await are_at_rest(view, std::move(missing));
    if (!at_rest) co_return false;
    std::vector<object::Standing> manifests =
        co_await deps_.upkeep.inspect_manifests(batch.manifests);
    for (std::size_t i = 0; i < manifests.size(); ++i) {
      bool live = batch.manifests[i].state == meta::ObjectState::live;
      if (live && !has_manifest(batch.manifests[i], manifests[i], view->layout)) co_return false;
    }
    co_return true;
  }

  // Whether no repair can put more of these in place: fewer shards are left with all who are
  // present than it takes, and those are where they belong. Whoever has left may have more, and is
  // not let go by this.
  Task<bool> are_at_rest(std::shared_ptr<const membership::ClusterView> view,
                         std::vector<object::StripeRef> stripes) {
    if (stripes.empty()) co_return true;
    const std::vector<object::Found> found =
        co_await object::search(deps_.transport, view, stripes);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const bool more = found[i].unanswered || found[i].elsewhere > 0 ||
                        found[i].shards >= stripes[i].extent.profile.k;
      if (more) co_return false;
    }
    co_return true;
  }

  const SettleDependencies deps_;
  Gate gate_;
  std::atomic<bool> closing_{false};
  mutable std::mutex mutex_;
  bool running_ = false;
  bool clean_ = false;  // what the last walk found
  std::uint64_t version_ = 0;
  Instant begun_;
  Instant ended_;
};

}  // namespace

std::unique_ptr<SettleWalk> make_settle_walk(const SettleDependencies& deps) {
  return std::make_unique<Settling>(deps);
}

}  // namespace mas::maintain
