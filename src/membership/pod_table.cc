#include "membership/pod_table.h"

#include <algorithm>
#include <set>
#include <utility>

namespace mas::membership {
namespace {

constexpr std::size_t kMaxText = 255;  // as in the layout document

}  // namespace

void PodTable::turn(PodEntry& entry, Liveness liveness, Instant now) {
  if (entry.liveness == liveness) return;
  entry.liveness = liveness;
  entry.since = now;
  ++revision_;
}

void PodTable::hear(const Heartbeat& beat, Instant now) {
  PodKey key{beat.slot, beat.incarnation};
  bool possible = !beat.slot.empty() && beat.slot.size() <= kMaxText &&
                  beat.zone.size() <= kMaxText && beat.peer_address.size() <= kMaxText;
  if (key == self_ || !possible) return;
  auto at = pods_.find(key);
  if (at == pods_.end()) {
    // One without a seal names no process (BeatMemory): whoever may publish can make them up.
    const bool is_sealed = !beat.boot.is_zero();
    if (strangers_ >= (is_sealed ? kMaxStrangers : kMaxUnsealed)) return;
    ++strangers_;
    at = pods_.emplace(std::move(key), PodEntry{}).first;
    at->second.since = now;
  }
  PodEntry& entry = at->second;
  if (!entry.heard || entry.liveness == Liveness::down) entry.first = now;
  const bool known = entry.heard && entry.liveness != Liveness::down &&
                     entry.last.boot == beat.boot && entry.last.peer_address == beat.peer_address;
  if (!known) {
    entry.proven = false;
    entry.claimed = now;
    entry.next_probe = now;
  }
  // The sequence alone is nothing that a view is made anew for.
  entry.last.sequence = beat.sequence;
  if (!entry.heard || entry.last != beat) ++revision_;
  entry.heard = true;
  entry.last = beat;
  entry.last_sign = now;
  entry.last_seen = now;
  turn(entry, Liveness::alive, now);
  highest_layout_ = std::max(highest_layout_, beat.layout_version);
}

void PodTable::expect(const std::vector<PodKey>& members, Instant now) {
  std::set<PodKey> wanted(members.begin(), members.end());
  wanted.erase(self_);
  for (auto& [key, entry] : pods_) entry.member = wanted.contains(key);
  for (const PodKey& key : wanted) {
    auto [at, added] = pods_.try_emplace(key);
    PodEntry& entry = at->second;
    entry.member = true;
    if (!added) continue;
    entry.last.slot = key.slot;
    entry.last.incarnation = key.incarnation;
    entry.since = now;
    entry.last_sign = now;
    entry.last_seen = now;
  }
  strangers_ = 0;
  for (const auto& [key, entry] : pods_) strangers_ += entry.member ? 0 : 1;
  ++revision_;
}

// Whether `entry` is to be probed now.
bool PodTable::suspect(PodEntry& entry, Instant now, bool blind) {
  const Duration silence = now - entry.last_sign;
  if (entry.liveness == Liveness::alive && silence >= suspect_after_) {
    turn(entry, Liveness::suspect, now);
    entry.next_probe = now;
  }
  if (!entry.heard) {
    // Nobody knows its address. Silence counts only while beats would come through.
    if (blind) entry.last_sign = now;
    if (silence >= suspect_after_ && !blind) turn(entry, Liveness::down, now);
    return false;
  }
  if (entry.probing || now < entry.next_probe) return false;
  if (entry.liveness != Liveness::alive) return true;
  entry.for_proof = !blind && !entry.member && !entry.proven;
  return entry.for_proof || (blind && silence * 2 >= suspect_after_);
}

std::vector<PodKey> PodTable::due(Instant now, bool blind, std::size_t limit) {
  std::vector<PodKey> found;
  for (auto at = pods_.begin(); at != pods_.end();) {
    PodEntry& entry = at->second;
    bool forgotten = !entry.member && !entry.probing && entry.liveness == Liveness::down &&
                     now - entry.since >= kForgetAfter;
    if (forgotten) {
      --strangers_;
      ++revision_;
      at = pods_.erase(at);
      continue;
    }
    if (suspect(entry, now, blind)) found.push_back(at->first);
    ++at;
  }
  // Beginning behind where the last call ended.
  auto from = std::upper_bound(found.begin(), found.end(), turn_);
  std::rotate(found.begin(), from, found.end());
  if (found.size() > limit) found.resize(limit);
  if (!found.empty()) turn_ = found.back();
  for (const PodKey& key : found) pods_[key].probing = true;
  return found;
}

void PodTable::answered(const PodKey& pod, Instant asked) {
  auto at = pods_.find(pod);
  if (at != pods_.end() && at->second.claimed <= asked) at->second.proven = true;
}

void PodTable::probed(const PodKey& pod, bool answers, Instant begun, Instant now, bool blind) {
  auto at = pods_.find(pod);
  if (at == pods_.end()) return;
  if (answers) answered(pod, begun);
  PodEntry& entry = at->second;
  entry.probing = false;
  if (std::exchange(entry.for_proof, false)) {
    if (!entry.proven) entry.next_probe = now + suspect_after_;
    return;
  }
  bool heard_meanwhile = entry.last_sign > begun;
  if (heard_meanwhile) return;
  if (answers) {
    // It can be reached. Only while beats cannot come through is that as good as one.
    entry.last_seen = now;
    turn(entry, blind ? Liveness::alive : Liveness::suspect, now);
    if (blind) entry.last_sign = now;
    entry.next_probe = now + suspect_after_ / 2;
    return;
  }
  bool was_alive = entry.liveness == Liveness::alive;
  entry.next_probe = now + (was_alive ? heartbeat_ : suspect_after_);
  if (!was_alive) turn(entry, Liveness::down, now);
}

bool PodTable::hears_of_cluster() const {
  return std::any_of(pods_.begin(), pods_.end(), [](const auto& pod) {
    const PodEntry& entry = pod.second;
    return entry.heard && entry.liveness != Liveness::down && !entry.last.cluster.is_zero();
  });
}

const PodEntry* PodTable::find(const PodKey& pod) const {
  auto at = pods_.find(pod);
  return at == pods_.end() ? nullptr : &at->second;
}

bool PodTable::is_down(const PodKey& pod) const {
  const PodEntry* entry = find(pod);
  return entry != nullptr && entry->liveness == Liveness::down;
}

}  // namespace mas::membership
