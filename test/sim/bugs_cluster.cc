// Bugs of what keeps data whole while pods come and go.
#include "sim/bugs.h"

namespace mas::sim {
namespace {

// Says of each repair that it was done.
class HopefulUpkeep final : public object::Upkeep {
 public:
  explicit HopefulUpkeep(object::Upkeep& inner) : inner_(inner) {}

  Task<std::vector<object::Standing>> inspect(std::vector<object::StripeRef> stripes) override {
    return inner_.inspect(std::move(stripes));
  }
  Task<std::vector<object::Standing>> inspect_manifests(
      std::vector<meta::Object> objects) override {
    return inner_.inspect_manifests(std::move(objects));
  }
  Task<Result<object::Mended>> repair(object::StripeRef stripe, object::Care) override {
    const Profile& profile = stripe.extent.profile;
    object::Mended mended;
    mended.standing = {profile.width(), profile.k, profile.width()};
    mended.rebuilt = 1;
    co_return mended;
  }
  Task<Result<object::Mended>> repair_manifest(meta::Object object) override {
    return inner_.repair_manifest(std::move(object));
  }
  Task<std::optional<object::StripeRef>> stripe_of(RecordKey shard) override {
    return inner_.stripe_of(shard);
  }
  Task<Result<void>> mark(meta::Object object, bool damaged) override {
    return inner_.mark(std::move(object), damaged);
  }
  Task<Result<void>> read_through(meta::Object object) override {
    return inner_.read_through(std::move(object));
  }
  void report(object::Hint hint) override { inner_.report(std::move(hint)); }
  std::optional<object::Hint> next_hint() override { return inner_.next_hint(); }
  double strain() override { return inner_.strain(); }

 private:
  object::Upkeep& inner_;
};

// Says of each walk that it is complete, or of none.
class RiggedDuties final : public membership::LayoutDuties {
 public:
  RiggedDuties(std::unique_ptr<membership::LayoutDuties> inner, bool complete)
      : inner_(std::move(inner)), complete_(complete) {}

  Task<Result<bool>> writes_drained(std::uint64_t version) override {
    return inner_->writes_drained(version);
  }
  Task<Result<membership::WalkedSlices>> walk(membership::WalkOrder) override {
    membership::WalkedSlices found;
    if (complete_) found = {membership::SliceSet().set(), membership::SliceSet().set()};
    co_return found;
  }
  bool can_hold_without(const std::vector<std::string>& slots) override {
    return inner_->can_hold_without(slots);
  }

 private:
  std::unique_ptr<membership::LayoutDuties> inner_;
  const bool complete_;
};

}  // namespace

std::unique_ptr<object::Upkeep> plant(Bug bug, object::Upkeep& upkeep) {
  if (bug != Bug::repair_not_done) return nullptr;
  return std::make_unique<HopefulUpkeep>(upkeep);
}

std::unique_ptr<membership::LayoutDuties> plant(Bug bug,
                                                std::unique_ptr<membership::LayoutDuties> duties) {
  if (bug != Bug::settled_unwalked && bug != Bug::never_settled) return duties;
  return std::make_unique<RiggedDuties>(std::move(duties), bug == Bug::settled_unwalked);
}

}  // namespace mas::sim
