#include "mas/membership/cluster_view.h"

#include <algorithm>

namespace mas::membership {

const Pod* ClusterView::pod_of(layout::MemberIndex member) const {
  if (member >= layout.members.size()) return nullptr;
  const layout::Member& wanted = layout.members[member];
  auto at = std::lower_bound(
      pods.begin(), pods.end(), wanted.slot,
      [](const Pod& pod, const std::string& slot) { return pod.last.slot < slot; });
  bool found = at != pods.end() && at->last.slot == wanted.slot &&
               at->last.incarnation == wanted.incarnation;
  return found ? &*at : nullptr;
}

std::size_t ClusterView::alive_count() const {
  return static_cast<std::size_t>(
      std::count_if(pods.begin(), pods.end(), [](const Pod& pod) { return pod.alive; }));
}

ViewBoard::ViewBoard(ClusterView first)
    : view_(std::make_shared<const ClusterView>(std::move(first))) {}

std::shared_ptr<const ClusterView> ViewBoard::current() const {
  std::lock_guard lock(mutex_);
  return view_;
}

void ViewBoard::publish(ClusterView next) {
  auto view = std::make_shared<const ClusterView>(std::move(next));
  std::lock_guard lock(mutex_);
  view_.swap(view);
}

}  // namespace mas::membership
