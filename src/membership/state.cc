#include "membership/state.h"

#include "mas/membership/leavers.h"

namespace mas::membership {

Heartbeat State::beat() const {
  Heartbeat beat;
  beat.cluster = layout().cluster;
  beat.slot = self.slot;
  beat.incarnation = self.incarnation;
  beat.api_address = self.api_address;
  beat.peer_address = self.peer_address;
  beat.zone = self.zone;
  beat.software = self.software;
  Room room = self.room ? self.room() : Room{};
  beat.capacity = room.capacity;
  beat.used = room.used;
  if (is_member()) {
    bool draining = layout().members[standing.index].state == layout::MemberState::draining;
    beat.state = draining ? PodState::draining : PodState::active;
  }
  if (standing.role == Role::returned) beat.state = kReturned;
  beat.layout_version = kept.version();
  beat.generation = generation.load();
  if (is_member() && halted_why().empty()) beat.settling = settling;
  return beat;
}

Standing State::judge() const {
  if (!has_elder) return standing_of(key, layout(), pods, kept.was_member);
  return {Role::silent, layout::kNobody,
          "Another pod runs with this data directory or a copy of it: empty this one, or stop the "
          "other."};
}

ClusterView State::view(Instant started) const {
  ClusterView view;
  view.layout = layout();
  view.self = standing.index;
  view.confirmed = confirmed;
  view.frozen_why = frozen_why;
  view.halted_why = halted_why();
  view.distrusted = !distrust.empty();
  view.distrusts = distrusts;
  view.waiting = waiting;
  Pod me;
  me.last = beat();
  me.self = true;
  me.since = started;
  bool placed = false;
  for (const auto& [key_of_pod, entry] : pods.pods()) {
    if (!placed && key < key_of_pod) {
      view.pods.push_back(me);
      placed = true;
    }
    Pod pod;
    pod.last = entry.last;
    pod.alive = entry.liveness != Liveness::down;
    pod.liveness = entry.liveness;
    pod.since = entry.since;
    view.pods.push_back(std::move(pod));
  }
  if (!placed) view.pods.push_back(std::move(me));
  return view;
}

void raise(std::atomic<std::uint64_t>& highest, std::uint64_t seen) {
  std::uint64_t known = highest.load();
  while (known < seen && !highest.compare_exchange_weak(known, seen)) {
  }
}

}  // namespace mas::membership
