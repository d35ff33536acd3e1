// PodTable: who was heard when, who is suspected, who is down. Pure: time and the results of probes
// come in from outside.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mas/membership/cluster_view.h"
#include "mas/runtime/clock.h"

namespace mas::membership {

struct PodKey {
  std::string slot;
  Id128 incarnation;
  friend auto operator<=>(const PodKey&, const PodKey&) = default;
};

struct PodEntry {
  Heartbeat last;
  bool member = false;  // the layout names it
  bool heard = false;   // ever
  Liveness liveness = Liveness::suspect;
  Instant since{};      // of liveness
  Instant first{};      // heard, since it last came back from being down
  Instant last_sign{};  // heard, or answered while beats do not come through
  Instant last_seen{};  // heard, or answered at any time
  bool probing = false;
  Instant next_probe{};
  // This process of it has answered at this address. Heartbeats alone show only that there was such
  // a process at some time: somebody may send again what was recorded.
  bool proven = false;
  Instant claimed{};       // when it first said that it is another process, or elsewhere
  bool for_proof = false;  // the probe under way
};

class PodTable {
 public:
  // Pods that are no members and may be remembered at once; more are not listened to.
  static constexpr std::size_t kMaxStrangers = 1000;
  // Those whose beats have no seal are not listened to beyond so many strangers, so that there is
  // always room for newcomers that prove themselves.
  static constexpr std::size_t kMaxUnsealed = kMaxStrangers / 2;
  // Strangers that have been down for this long are forgotten.
  static constexpr Duration kForgetAfter = std::chrono::minutes(10);

  PodTable(PodKey self, Duration heartbeat, Duration suspect_after)
      : self_(std::move(self)), heartbeat_(heartbeat), suspect_after_(suspect_after) {}

  // Own beats are ignored.
  void hear(const Heartbeat& beat, Instant now);
  // The members there are, this pod or not. One that was never heard is suspect.
  void expect(const std::vector<PodKey>& members, Instant now);
  // Turns silence into suspicion, and names pods to be probed now, at most `limit`: the suspects,
  // those down (they may be back), those who are no members and have not proven themselves, and
  // while this pod is `blind` to beats everybody who has given no sign for a while. Each of them
  // waits for probed().
  std::vector<PodKey> due(Instant now, bool blind, std::size_t limit);
  // It answered, at the address it gave, what was asked at `asked`.
  void answered(const PodKey& pod, Instant asked);
  // The outcome of a probe that began at `begun`.
  void probed(const PodKey& pod, bool answers, Instant begun, Instant now, bool blind);

  [[nodiscard]] const std::map<PodKey, PodEntry>& pods() const { return pods_; }
  [[nodiscard]] const PodEntry* find(const PodKey& pod) const;
  // False for unknown pods and for this one.
  [[nodiscard]] bool is_down(const PodKey& pod) const;
  // Of members and of anybody else.
  [[nodiscard]] std::uint64_t highest_layout() const { return highest_layout_; }
  // Whether anybody says that it belongs to a cluster and is not down.
  [[nodiscard]] bool hears_of_cluster() const;
  // Grows whenever something changed that a view shows.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

 private:
  void turn(PodEntry& entry, Liveness liveness, Instant now);
  bool suspect(PodEntry& entry, Instant now, bool blind);

  PodKey self_;
  Duration heartbeat_;
  Duration suspect_after_;
  std::map<PodKey, PodEntry> pods_;
  PodKey turn_;  // where due() goes on, so that a limit starves nobody
  std::size_t strangers_ = 0;
  std::uint64_t highest_layout_ = 0;
  std::uint64_t revision_ = 0;
};

}  // namespace mas::membership
