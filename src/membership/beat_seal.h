// The seal of a heartbeat: an HMAC over its raw body, in headers of the message, by which pods that
// share the cluster's secret know each other's beats. And the memory by which a beat counts once.
#pragma once

#include <cstdint>
#include <map>
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
// sequence: the beats of one that nobody knows of are old ones said again if a later one is heard.
// Bounded.
class BeatMemory {
 public:
  // `self` is let hear every process of its own name, or it would not learn of a twin; what was
  // said again does it no harm (see Pulse). After `patience` of silence a process counts as gone.
  BeatMemory(PodKey self, Duration patience) : self_(std::move(self)), patience_(patience) {}

  // Whether it is new; then it is remembered. Only of beats whose seal is good.
  [[nodiscard]] bool is_new(const Heartbeat& beat, Instant now);

 private:
  static constexpr std::size_t kMaxPods = 4096;
  static constexpr std::size_t kMaxBoots = 16;  // of one pod

  struct Boot {
    Id128 id;
    std::uint64_t highest = 0;
    Instant heard{};
  };
  struct Pod {
    std::vector<Boot> boots;
    Instant heard{};
  };

  void make_room();

  PodKey self_;
  Duration patience_;
  std::map<PodKey, Pod> pods_;
};

}  // namespace mas::membership
