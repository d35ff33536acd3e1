#include "sim/operator.h"

#include <algorithm>

#include "mas/layout/leavers.h"
#include "sim/cluster.h"
#include "sim/receipts.h"

namespace mas::sim {
namespace {

using std::chrono::seconds;

constexpr Duration kRounds = seconds(20);
// What was seen in as many rounds in a row is done something about.
constexpr int kPatience = 3;

int count(bool seen, int before) { return seen ? before + 1 : 0; }

// True every kPatience rounds.
bool is_due(int& rounds) {
  if (rounds < kPatience) return false;
  rounds = 0;
  return true;
}

}  // namespace

Operator::Operator(Cluster& cluster) : cluster_(cluster) {}

void Operator::start() {
  cluster_.world().after(kRounds, [this, there = there_] {
    if (!*there) return;
    look();
    start();
  });
}

void Operator::look() {
  rounds_.resize(cluster_.size());
  for (std::size_t i = 0; i < cluster_.size(); ++i) look_at(cluster_.pod(i), rounds_[i]);
}

void Operator::look_at(Pod& pod, Rounds& rounds) {
  rounds.awaited = count(waits_for_lost(pod), rounds.awaited);
  if (rounds.awaited >= kPatience) give_up(pod);
  const bool stopped =
      pod.is_up() && !pod.is_stopping() && !pod.disk().is_full() && !pod.store().usage().writable;
  rounds.stopped = count(stopped, rounds.stopped);
  if (is_due(rounds.stopped)) {
    cluster_.world().count("pod with a stopped volume started again");
    pod.crash(Ending::killed, seconds(1));
  }
  // A new one is refused for as long as its slot's old data are not known to be gone.
  rounds.refused = count(pod.is_refused(), rounds.refused);
  if (pod.is_mounted() && is_due(rounds.refused)) empty_if_not_needed(pod);
}

// An operator who has looked at what there is.
void Operator::empty_if_not_needed(Pod& pod) {
  needs_refused_ =
      cluster_.restorer().is_lost() ? "metadata are lost" : needed_of_refused(cluster_);
  if (!needs_refused_.empty()) return;
  cluster_.world().count("data given up and emptied");
  // What has rotted elsewhere nobody has seen yet.
  Losses& losses = cluster_.losses();
  if (losses.any_hidden()) losses.add(pod.index(), LossKind::known);
  pod.lose_disk(seconds(1));
}

bool Operator::waits_for_lost(const Pod& pod) const {
  if (!pod.incarnation() || !pod.is_mounted()) return false;
  const layout::Layout layout = cluster_.layout();
  // Then nobody else has any of what was lost, and the cluster waits for a word.
  const bool no_copies = layout.active_count() <= cluster_.profile().k;
  return std::any_of(layout.members.begin(), layout.members.end(), [&](const auto& member) {
    if (member.slot != pod.name() || member.incarnation == *pod.incarnation()) return false;
    return member.state == layout::MemberState::left ||
           (no_copies && member.state == layout::MemberState::active);
  });
}

// Says so to a member; a pod that is the only one is asked itself.
void Operator::give_up(Pod& lost) {
  for (std::size_t i = 0; i < cluster_.size(); ++i) {
    Pod& other = cluster_.pod(i);
    if (!other.is_serving()) continue;
    other.give_up(lost.name());
    return;
  }
  lost.give_up(lost.name());
}

}  // namespace mas::sim
