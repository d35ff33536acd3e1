// What membership's parts share: all that one pod knows about its cluster. Used on one thread.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "mas/membership/membership.h"
#include "membership/kept.h"
#include "membership/pod_table.h"
#include "membership/standing.h"

namespace mas::membership {

struct State {
  State(const config::Cluster& cluster_options, Self who)
      : options(cluster_options),
        self(std::move(who)),
        key{self.slot, self.incarnation},
        pods(key, options.heartbeat, options.suspect_after) {}

  [[nodiscard]] const layout::Layout& layout() const {
    static const layout::Layout kNone;
    return kept.layouts.empty() ? kNone : kept.layouts.front();
  }
  [[nodiscard]] bool is_member() const { return standing.role == Role::member; }
  // Why this pod must not collect, publish or join.
  [[nodiscard]] const std::string& halted_why() const {
    return standing.reason.empty() ? distrust : standing.reason;
  }
  // It has left, is back, and believes the metadata store.
  [[nodiscard]] bool is_source() const {
    return standing.role == Role::returned && distrust.empty();
  }
  // What the layout and the beats say about this pod now.
  [[nodiscard]] Standing judge() const;
  // How far apart pods may go down and still count as having vanished together.
  [[nodiscard]] Duration together() const { return options.suspect_after * 3; }
  // What this pod would say of itself now, but for the sequence.
  [[nodiscard]] Heartbeat beat() const;
  // `started`: since when this pod is there.
  [[nodiscard]] ClusterView view(Instant started) const;

  const config::Cluster options;
  const Self self;
  const PodKey key;
  PodTable pods;
  Kept kept;
  Standing standing;
  std::string distrust;              // of the metadata store
  std::uint64_t distrusts = 0;       // how often that began
  std::atomic<bool> doubted{false};  // the store has never given this generation:
  std::atomic<std::uint64_t> doubted_at{0};
  bool has_elder = false;  // another process beats with this data directory, and did so first
  bool confirmed = false;
  bool blind = false;
  std::string frozen_why;
  std::vector<std::string> waiting;
  std::uint64_t sequence = 0;                // of the next beat
  Settling settling;                         // what it says of that while it takes part
  std::atomic<std::uint64_t> generation{0};  // highest stored or heard of
};

// Raises `highest` to at least `seen`. Thread-safe.
void raise(std::atomic<std::uint64_t>& highest, std::uint64_t seen);

}  // namespace mas::membership
