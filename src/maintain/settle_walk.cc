#include "mas/maintain/settle_walk.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "maintain/slices.h"
#include "maintain/walk.h"
#include "mas/object/settling.h"
#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/sync.h"

namespace mas::maintain {
namespace {

using membership::WalkedSlices;
using membership::WalkOrder;

static_assert(kSlices == membership::kSlices);

// From a walk that missed something to the next one.
constexpr Duration kPause = std::chrono::seconds(5);

// An object of one stripe carries its record in its shards.
bool has_manifest(const meta::Object& object, const object::Standing& standing,
                  const layout::Layout& layout) {
  return object::is_in_place(standing, layout, layout::partition_of(object.hash)) ||
         (object::has_one_stripe(object) && standing.held == 0);
}

// One walk over one slice.
struct Piece {
  Walk::Contents contents;
  std::size_t slice;
};

class Settling final : public SettleWalk {
 public:
  explicit Settling(const SettleDependencies& deps) : deps_(deps) {}

  WalkedSlices go_on(WalkOrder order) override {
    if (take(order)) {
      // Outside the lock: on the executor's own thread the walk begins, and may end, in here.
      const bool begun = spawn(deps_.executor, gate_, run(order), "settle walk");
      std::lock_guard lock(mutex_);
      if (!begun) running_ = false;
    }
    std::lock_guard lock(mutex_);
    return found_;
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
  // Whether a walk has to begin; it counts as running from here on.
  bool take(const WalkOrder& order) {
    std::lock_guard lock(mutex_);
    if (!is_same(order)) {
      found_ = {};
      missed_at_.reset();
    }
    order_ = order;
    const bool resting = missed_at_ && deps_.clock.now() - *missed_at_ < kPause;
    if (running_ || resting || !next({})) return false;
    running_ = true;
    return true;
  }
  [[nodiscard]] bool is_same(const WalkOrder& order) const {
    return order.version == order_.version && order.round == order_.round;
  }

  // What is to be walked next, `tried` left out. Under the lock.
  std::optional<Piece> next(const WalkedSlices& tried) {
    const SliceSet uploads = order_.others.uploads | found_.uploads;
    const bool objects = uploads.all();
    SliceSet left = objects ? ~(order_.others.objects | found_.objects) & ~tried.objects
                            : ~uploads & ~tried.uploads;
    if (left.none()) return std::nullopt;
    left &= own();
    for (std::size_t slice = 0; slice < kSlices; ++slice) {
      if (!left[slice]) continue;
      return Piece{objects ? Walk::Contents::objects : Walk::Contents::uploads, slice};
    }
    return std::nullopt;
  }

  // The slices that fall to this pod now. Under the lock.
  const SliceSet& own() {
    const auto view = deps_.view.current();
    std::vector<Id128> members = settling_members(*view);
    if (!own_ || members != members_ || view->self != self_) {
      own_ = own_slices(*view, members);
      members_ = std::move(members);
      self_ = view->self;
    }
    return *own_;
  }

  Task<void> run(WalkOrder order) {
    auto walking = contain(walk_own(order), "settle walk");
    Result<bool> clean = co_await std::move(walking);
    if (clean.has_error()) log::debug("settle_walk.failed", {{"error", clean.error()}});
    const bool missed = clean.has_error() || !*clean;
    std::lock_guard lock(mutex_);
    running_ = false;
    if (missed && is_same(order)) missed_at_ = deps_.clock.now();
  }

  // Everything there is to do, each slice once. False: something was missed.
  Task<Result<bool>> walk_own(WalkOrder order) {
    repairs_left_ =
        deps_.repair_rate * std::chrono::duration_cast<std::chrono::seconds>(kPause).count();
    WalkedSlices tried;
    bool clean = true;
    for (;;) {
      std::optional<Piece> piece;
      {
        std::lock_guard lock(mutex_);
        if (is_same(order)) piece = next(tried);
      }
      if (!piece || closing_) co_return clean;
      MAS_CO_TRY(bool whole, co_await walk_slice(*piece, order.version));
      clean = clean && whole;
      const bool objects = piece->contents == Walk::Contents::objects;
      (objects ? tried.objects : tried.uploads).set(piece->slice);
      std::lock_guard lock(mutex_);
      if (whole && is_same(order)) {
        (objects ? found_.objects : found_.uploads).set(piece->slice);
      }
    }
  }

  Task<Result<bool>> walk_slice(Piece piece, std::uint64_t version) {
    Walk walk(deps_.meta, SliceSet().set(piece.slice), piece.contents);
    for (;;) {
      // After each batch, too: what it was asked under must have been this layout.
      if (closing_ || deps_.view.current()->layout.version != version) co_return false;
      MAS_CO_TRY(std::optional<WalkBatch> batch, co_await walk.next());
      if (!batch) co_return true;
      const bool whole = co_await is_whole(*std::move(batch));
      if (!whole) co_return false;
    }
  }

  Task<bool> is_whole(WalkBatch batch) {
    const auto view = deps_.view.current();
    std::vector<object::StripeRef> stripes;
    std::vector<std::shared_ptr<Subject>> subjects;
    for (std::size_t i = 0; i < batch.stripes.size(); ++i) {
      if (!object::is_settling(view->layout, partition_of(batch.stripes[i]))) continue;
      stripes.push_back(batch.stripes[i]);
      subjects.push_back(batch.subjects[i]);
    }
    std::vector<object::Standing> standings;
    if (!stripes.empty()) standings = co_await deps_.upkeep.inspect(stripes);
    for (std::size_t i = 0; i < standings.size(); ++i) {
      if (object::is_in_place(standings[i], view->layout, partition_of(stripes[i]))) continue;
      const bool damaged = subjects[i]->object && subjects[i]->object->damaged;
      const bool settled = co_await counts(view, stripes[i], standings[i], damaged);
      if (!settled) co_return false;
    }
    co_return co_await has_manifests(view, std::move(batch.manifests));
  }

  static std::uint32_t partition_of(const object::StripeRef& stripe) {
    return layout::partition_of(stripe.extent.id, stripe.number);
  }

  // Whether a stripe that is not in place counts as in place. Only where the row has too few shards
  // to read it can it be beyond repair. What belongs to a file that is known to be damaged is
  // waited for by nobody, but what is left of it is brought along.
  Task<bool> counts(std::shared_ptr<const membership::ClusterView> view, object::StripeRef stripe,
                    object::Standing standing, bool damaged) {
    if (standing.held >= standing.needed) co_return damaged;
    if (repairs_left_ == 0) co_return false;
    std::uint64_t bytes = 0;
    const bool settled = co_await object::settle_stripe(deps_.upkeep, view, stripe, bytes);
    repairs_left_ -= std::min(repairs_left_, bytes);
    co_return settled || damaged;
  }

  Task<bool> has_manifests(std::shared_ptr<const membership::ClusterView> view,
                           std::vector<meta::Object> objects) {
    std::erase_if(objects, [&](const meta::Object& object) {
      return object.state != meta::ObjectState::live ||
             !object::is_settling(view->layout, layout::partition_of(object.hash));
    });
    if (objects.empty()) co_return true;
    std::vector<object::Standing> standings = co_await deps_.upkeep.inspect_manifests(objects);
    for (std::size_t i = 0; i < standings.size(); ++i) {
      if (!has_manifest(objects[i], standings[i], view->layout)) co_return false;
    }
    co_return true;
  }

  const SettleDependencies deps_;
  Gate gate_;
  std::atomic<bool> closing_{false};
  std::uint64_t repairs_left_ = 0;  // bytes, of the walk under way

  mutable std::mutex mutex_;
  bool running_ = false;
  WalkOrder order_;
  WalkedSlices found_;                // in this round
  std::optional<Instant> missed_at_;  // the last walk of this round, if it missed something
  std::vector<Id128> members_;        // that own_ was made for
  layout::MemberIndex self_ = layout::kNobody;
  std::optional<SliceSet> own_;
};

}  // namespace

std::unique_ptr<SettleWalk> make_settle_walk(const SettleDependencies& deps) {
  return std::make_unique<Settling>(deps);
}

}  // namespace mas::maintain
