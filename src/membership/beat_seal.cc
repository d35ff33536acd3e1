#include "membership/beat_seal.h"

#include <algorithm>

#include "mas/core/bytes.h"

namespace mas::membership {

Seal make_seal(std::string_view body, const auth::ClusterKey& key) {
  return {key.id, to_hex(auth::sign(key.heartbeat, body))};
}

WireFault check_seal(std::string_view body, const Seal& seal,
                     const std::vector<auth::ClusterKey>& keys) {
  if (seal.key.empty() && seal.mac.empty()) return WireFault::unsealed;
  for (const auth::ClusterKey& key : keys) {
    if (key.id != seal.key) continue;
    auth::Key256 said{};
    if (!from_hex(seal.mac, said)) return WireFault::forged;
    const auth::Key256 right = auth::sign(key.heartbeat, body);
    return constant_time_equal(said, right) ? WireFault::none : WireFault::forged;
  }
  return WireFault::forged;
}

bool BeatMemory::is_new(const Heartbeat& beat, Instant now) {
  const PodKey key{beat.slot, beat.incarnation};
  auto at = pods_.find(key);
  if (at == pods_.end()) {
    make_room();
    at = pods_.emplace(key, Pod{}).first;
  }
  Pod& pod = at->second;
  auto known = std::ranges::find(pod.boots, beat.boot, &Boot::id);
  if (known == pod.boots.end()) {
    const bool is_old = std::ranges::any_of(pod.boots, [&](const Boot& boot) {
      return boot.highest > beat.sequence && now - boot.heard < patience_;
    });
    if (is_old && key != self_) return false;
    if (pod.boots.size() >= kMaxBoots) {
      pod.boots.erase(std::ranges::min_element(pod.boots, {}, &Boot::heard));
    }
    pod.boots.push_back({beat.boot, 0, now});
    known = std::prev(pod.boots.end());
  } else if (beat.sequence <= known->highest) {
    return false;
  }
  known->highest = beat.sequence;
  known->heard = now;
  pod.heard = now;
  return true;
}

void BeatMemory::make_room() {
  if (pods_.size() < kMaxPods) return;
  auto heard = [](const auto& pod) { return pod.second.heard; };
  pods_.erase(std::ranges::min_element(pods_, {}, heard));
}

}  // namespace mas::membership
