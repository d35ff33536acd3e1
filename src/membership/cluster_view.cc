#include "mas/membership/cluster_view.h"

#include <algorithm>
#include <tuple>

#include "mas/membership/leavers.h"

namespace mas::membership {

const Pod* ClusterView::pod_of(layout::MemberIndex member) const {
  if (member >= layout.members.size()) return nullptr;
  const layout::Member& wanted = layout.members[member];
  auto before = [](const Pod& pod, const layout::Member& other) {
    return std::tie(pod.last.slot, pod.last.incarnation) < std::tie(other.slot, other.incarnation);
  };
  auto at = std::lower_bound(pods.begin(), pods.end(), wanted, before);
  bool found = at != pods.end() && at->last.slot == wanted.slot &&
               at->last.incarnation == wanted.incarnation;
  return found ? &*at : nullptr;
}

std::size_t ClusterView::alive_count() const {
  return static_cast<std::size_t>(
      std::count_if(pods.begin(), pods.end(), [](const Pod& pod) { return pod.alive; }));
}

bool has_returned(const ClusterView& view) {
  return std::any_of(view.pods.begin(), view.pods.end(),
                     [](const Pod& pod) { return pod.self && pod.last.state == kReturned; });
}

ViewBoard::ViewBoard(ClusterView first)
    : view_(std::make_shared<const ClusterView>(std::move(first))),
      replaced_(std::make_shared<Event>()) {}

std::shared_ptr<const ClusterView> ViewBoard::current() const {
  std::lock_guard lock(mutex_);
  return view_;
}

void ViewBoard::publish(ClusterView next) {
  auto view = std::make_shared<const ClusterView>(std::move(next));
  auto fresh = std::make_shared<Event>();
  {
    std::lock_guard lock(mutex_);
    view_.swap(view);
    if (closed_) return;
    replaced_.swap(fresh);
  }
  fresh->set();
}

Task<bool> ViewBoard::changed(std::shared_ptr<const ClusterView> seen) const {
  std::shared_ptr<Event> replaced;
  {
    std::lock_guard lock(mutex_);
    if (view_ != seen) co_return true;
    replaced = replaced_;
  }
  co_await replaced->wait();
  std::lock_guard lock(mutex_);
  co_return view_ != seen;
}

void ViewBoard::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  replaced_->set();
}

}  // namespace mas::membership
