// The members that a rebuild asks: who is away, and calls that are repeated before somebody counts
// as away.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "mas/maintain/rebuild.h"

namespace mas::maintain::rebuild {

// Used on one thread.
class Pods {
 public:
  // `losses`: how many members may be away.
  Pods(const RebuildDependencies& deps, int losses);

  // refused, with their names, if more members than that are away.
  [[nodiscard]] Result<void> enough() const;
  // Whether everybody was asked: nobody is away, those who have left included.
  [[nodiscard]] bool is_everybody_asked() const { return away().empty() && silent_.empty(); }
  // Those who have left and are there, who are asked for shards only: their manifests know nothing
  // of later deletions.
  [[nodiscard]] const std::set<layout::MemberIndex>& sources() const noexcept { return sources_; }
  // Members that take part, in order.
  [[nodiscard]] std::vector<layout::MemberIndex> present() const;
  [[nodiscard]] bool is_present(layout::MemberIndex member) const;
  // Slots of those that do not take part, and of those whose disks are known not to be rebuilt.
  [[nodiscard]] std::vector<std::string> away() const;
  [[nodiscard]] const layout::Layout& layout() const noexcept { return view_->layout; }

  // As the transport's; nullopt: the member does not answer and is away from now on. Errors: as
  // enough(), then; none of a source.
  Task<Result<std::optional<std::vector<bool>>>> have(layout::MemberIndex member,
                                                      std::vector<RecordKey> keys);
  Task<Result<std::optional<peer::CarriedPage>>> carried(layout::MemberIndex member,
                                                         std::optional<RecordKey> after);

 private:
  Result<void> lose(layout::MemberIndex member, const Error& error);

  const RebuildDependencies& deps_;
  const std::shared_ptr<const membership::ClusterView> view_;
  const std::size_t losses_;
  std::set<layout::MemberIndex> away_;
  std::set<layout::MemberIndex> fresh_;
  std::set<layout::MemberIndex> sources_;
  std::set<layout::MemberIndex> silent_;  // have left, were not given up, and are not there
};

// Different shards of each of `stripes` that members say they have, wherever they are.
Task<Result<std::vector<int>>> count_shards(Pods& pods, std::vector<object::StripeRef> stripes);

// Resumes when all have ended. They run on the calling coroutine's executor.
Task<void> run_side_by_side(std::vector<Task<void>> tasks);

}  // namespace mas::maintain::rebuild
