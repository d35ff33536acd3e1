#include "membership/beat_seal.h"

#include <algorithm>

#include "mas/core/bytes.h"
#include "mas/membership/leavers.h"

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

WireFault BeatMemory::take(const Heartbeat& beat, bool sealed, Instant now) {
  const PodKey key{beat.slot, beat.incarnation};
  if (!sealed && !may_be_unsealed(beat, key, now)) return WireFault::unsealed;
  auto at = pods_.find(key);
  if (at == pods_.end()) {
    make_room();
    at = pods_.emplace(key, Pod{}).first;
  }
  Pod& pod = at->second;
  if (sealed) {
    // What anybody may have said must not make a pod that proves itself look old.
    std::erase_if(pod.boots, [](const Boot& boot) { return !boot.sealed; });
    pod.sealed = now;
  }
  if (key != self_ && is_outdone(beat, pod, now)) return WireFault::repeated;
  auto known = std::ranges::find(pod.boots, beat.boot, &Boot::id);
  if (known == pod.boots.end()) {
    if (pod.boots.size() >= kMaxBoots) {
      pod.boots.erase(std::ranges::min_element(pod.boots, {}, &Boot::heard));
    }
    pod.boots.push_back({beat.boot, 0, now, sealed});
    known = std::prev(pod.boots.end());
  } else if (beat.sequence <= known->highest) {
    return WireFault::repeated;
  }
  known->highest = beat.sequence;
  known->heard = now;
  pod.heard = now;
  return WireFault::none;
}

bool BeatMemory::may_be_unsealed(const Heartbeat& beat, const PodKey& key, Instant now) const {
  const bool says_more = !beat.boot.is_zero() || !beat.twin.is_zero() ||
                         beat.settling.has_value() || beat.state == kReturned;
  if (says_more || key == self_) return false;
  auto at = pods_.find(key);
  return at == pods_.end() || !at->second.sealed || now - *at->second.sealed >= patience_;
}

bool BeatMemory::is_outdone(const Heartbeat& beat, const Pod& pod, Instant now) const {
  return std::ranges::any_of(pod.boots, [&](const Boot& boot) {
    return boot.id != beat.boot && boot.highest > beat.sequence && now - boot.heard < patience_ &&
           (beat.twin.is_zero() || beat.twin != boot.id);
  });
}

void BeatMemory::make_room() {
  if (pods_.size() < kMaxPods) return;
  // Those without a seal first: anybody can name thousands of them.
  auto worth = [](const auto& pod) {
    return std::pair(pod.second.sealed.has_value(), pod.second.heard);
  };
  pods_.erase(std::ranges::min_element(pods_, {}, worth));
}

}  // namespace mas::membership
