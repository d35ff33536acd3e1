// The seal of a heartbeat: an HMAC over its raw body, in headers of the message, by which pods that
// share the cluster's secret know each other's beats. And the memory by which a beat counts once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mas/auth/cluster_keys.h"
#include "mas/membership/heartbeat_bus.h"
#include "mas/runtime/clock.h"
#include "membership/heartbeat_wire.h"
#include "membership/pod_table.h"

namespace mas::membership {

// As it stands in a message; both empty: there is none.
struct Seal {
  // Names of the headers.
  static constexpr const char* kKeyHeader = "mas-key";
  static constexpr const char* kMacHeader = "mas-mac";
  // Hex of the longest of the two.
  static constexpr std::size_t kMaxText = 64;

  std::string key;  // ClusterKey.id
  std::string mac;  // 64 hex digits
};

[[nodiscard]] Seal make_seal(std::string_view body, const auth::ClusterKey& key);
// none, unsealed, or forged (another secret's, or the body is not what was sealed).
[[nodiscard]] WireFault check_seal(std::string_view body, const Seal& seal,
                                   const std::vector<auth::ClusterKey>& keys);

// Which beats were heard already. A process of a pod is named by its boot id, and its sequence
// rises from beat to beat. Of two processes of one data directory the later one has the higher
// sequence: as long as it is heard, what any earlier one says is old, known or not, unless it names
// the later one as its twin, which only a process that still runs can do. Earlier ones stay
// remembered, so that what counted of theirs does not count again when the later one is silent.
// Bounded.
class BeatMemory {
 public:
  // `self` is let hear every process of its own name that has a seal, or it would not learn of a
  // twin; what was said again does it no harm (see Pulse). After `patience` of silence a process
  // counts as gone.
  BeatMemory(PodKey self, Duration patience) : self_(std::move(self)), patience_(patience) {}

  // none: it counts, and is remembered. repeated: it is an old one. unsealed: it has no seal, and
  // says what mas 0.1.0 does not say, or is of a pod that has proved itself within `patience`, or
  // of this pod. Only of beats whose seal is good (`sealed`), or that are accepted without one.
  [[nodiscard]] WireFault take(const Heartbeat& beat, bool sealed, Instant now);

 private:
  static constexpr std::size_t kMaxPods = 4096;
  static constexpr std::size_t kMaxBoots = 16;  // of one pod

  struct Boot {
    Id128 id;
    std::uint64_t highest = 0;
    Instant heard{};
    bool sealed = false;
  };
  struct Pod {
    std::vector<Boot> boots;
    Instant heard{};
    std::optional<Instant> sealed;  // when it was heard with a seal last
  };

  [[nodiscard]] bool may_be_unsealed(const Heartbeat& beat, const PodKey& key, Instant now) const;
  // Whether a later process of the pod is heard.
  [[nodiscard]] bool is_outdone(const Heartbeat& beat, const Pod& pod, Instant now) const;
  void make_room();

  PodKey self_;
  Duration patience_;
  std::map<PodKey, Pod> pods_;
};

}  // namespace mas::membership
