// ClusterView: who is alive and what the layout is, as one immutable picture that is swapped whole.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mas/layout/layout.h"
#include "mas/membership/heartbeat_bus.h"

namespace mas::membership {

struct Pod {
  Heartbeat last;  // as last heard
  bool alive = true;
  bool self = false;
};

struct ClusterView {
  layout::Layout layout;
  std::vector<Pod> pods;         // sorted by slot
  layout::MemberIndex self = 0;  // index of this pod in layout.members

  // The pod of a member; nullptr if it was never heard of, or only as another incarnation.
  [[nodiscard]] const Pod* pod_of(layout::MemberIndex member) const;
  // Pods alive, members or not.
  [[nodiscard]] std::size_t alive_count() const;
};

// The place where the current view hangs. Thread-safe. What current() gave stays as it was for as
// long as it is held.
class ViewBoard {
 public:
  explicit ViewBoard(ClusterView first);
  [[nodiscard]] std::shared_ptr<const ClusterView> current() const;
  void publish(ClusterView next);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ClusterView> view_;
};

}  // namespace mas::membership
