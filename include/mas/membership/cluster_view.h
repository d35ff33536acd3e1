// ClusterView: who is alive and what the layout is, as one immutable picture that is swapped whole.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mas/layout/layout.h"
#include "mas/membership/heartbeat_bus.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/sync.h"

namespace mas::membership {

enum class Liveness : std::uint8_t {
  alive = 1,
  suspect = 2,  // silent; being probed. To be treated as alive
  down = 3,     // silent, and probes failed
};

struct Pod {
  Heartbeat last;     // as last heard; only slot and incarnation of a member that was never heard
  bool alive = true;  // liveness is not down
  bool self = false;
  Liveness liveness = Liveness::alive;
  Instant since{};  // of liveness, as this pod saw it
};

struct ClusterView {
  layout::Layout layout;
  std::vector<Pod> pods;         // sorted by slot, then incarnation
  layout::MemberIndex self = 0;  // index of this pod in layout.members; kNobody if it is no member
  // The metadata store was read since the start and is the one this pod knows. Before that the
  // layout is what this pod kept.
  bool confirmed = false;

  // Sentences for operators; empty where all is well.
  std::string frozen_why;  // no collection, no automatic layout change: the broker is out of reach,
                           // or too many pods vanished together
  std::string halted_why;  // this pod must not collect, publish or join: the metadata store is not
                           // the one it knows, or its data directory is a copy or an old one
  bool distrusted = false;      // halted because of the metadata store: what it says is not
                                // believed
  std::uint64_t distrusts = 0;  // how often it was found so: positions in it mean nothing after
  std::vector<std::string> waiting;  // what the layout waits for, and what to do about it

  [[nodiscard]] bool frozen() const { return !frozen_why.empty(); }
  [[nodiscard]] bool halted() const { return !halted_why.empty(); }
  [[nodiscard]] bool is_member() const { return self < layout.members.size(); }

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
  // Resumes when the current view is another than `seen`, at once if it is already. False if the
  // board was closed instead.
  Task<bool> changed(std::shared_ptr<const ClusterView> seen) const;
  // Releases those who wait for changes. Views can still be read.
  void close();

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ClusterView> view_;
  std::shared_ptr<Event> replaced_;  // set when view_ is
  bool closed_ = false;
};

}  // namespace mas::membership
