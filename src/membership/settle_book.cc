#include "membership/settle_book.h"

#include <algorithm>

#include "mas/layout/leavers.h"

namespace mas::membership {

void SettleBook::read(const layout::Layout& layout, const std::vector<meta::LayoutAck>& acks) {
  for (const meta::LayoutAck& ack : acks) {
    const layout::MemberIndex index = layout.find(ack.slot);
    if (index == layout::kNobody) continue;
    const layout::Member& member = layout.members[index];
    // Of a slot: an older directory of it cannot have acknowledged a layout that names this one.
    std::uint64_t& known = known_[{member.slot, member.incarnation}];
    known = std::max(known, ack.version);
  }
}

void SettleBook::hear(const Scene& scene) {
  std::map<PodKey, std::uint64_t> known;
  for (const layout::Member& member : scene.layout.members) {
    if (!layout::is_present(member)) continue;
    PodKey key{member.slot, member.incarnation};
    auto before = known_.find(key);
    std::uint64_t highest = before == known_.end() ? 0 : before->second;
    const PodEntry* entry = scene.pods.find(key);
    if (entry != nullptr && entry->last.settling) {
      highest = std::max(highest, entry->last.settling->acknowledged);
    }
    if (highest > 0) known.emplace(std::move(key), highest);
  }
  known_ = std::move(known);
  hear_of_beats(scene);
}

void SettleBook::hear_of_beats(const Scene& scene) {
  const std::vector<layout::Member>& members = scene.layout.members;
  std::map<PodKey, std::uint64_t> beats;
  auto raise = [&](const PodKey& key, std::uint64_t sequence) {
    if (!scene.pods.is_down(key) || has_acknowledged(scene, key)) return;
    auto before = beats_.find(key);
    std::uint64_t& highest =
        beats.try_emplace(key, before == beats_.end() ? 0 : before->second).first->second;
    highest = std::max(highest, sequence);
  };
  for (const layout::Member& member : members) {
    if (!layout::is_present(member)) continue;
    const PodKey key{member.slot, member.incarnation};
    const PodEntry* entry = scene.pods.find(key);
    if (entry == nullptr) continue;
    raise(key, entry->last.sequence);
    const std::optional<Settling>& said = entry->last.settling;
    if (!said || said->layout_version != scene.layout.version) continue;
    for (const Missing& one : said->without) {
      if (one.member >= members.size()) continue;
      raise({members[one.member].slot, members[one.member].incarnation}, one.last_beat);
    }
  }
  beats_ = std::move(beats);
}

bool SettleBook::has_acknowledged(const Scene& scene, const PodKey& key) const {
  if (key == scene.self) return scene.acknowledged >= scene.layout.version;
  auto at = known_.find(key);
  return at != known_.end() && at->second >= scene.layout.version;
}

const std::optional<SettleBook::Agreement>& SettleBook::look(const Scene& scene) {
  hear(scene);
  waiting_for_.clear();
  store_may_know_ = false;
  std::vector<Missing> missing;
  std::vector<Instant> down_since;
  for (std::size_t i = 0; i < scene.layout.members.size(); ++i) {
    const layout::Member& member = scene.layout.members[i];
    if (!layout::is_present(member)) continue;
    const PodKey key{member.slot, member.incarnation};
    if (has_acknowledged(scene, key)) continue;
    const PodEntry* entry = scene.pods.find(key);
    const bool says = entry != nullptr && entry->last.settling.has_value();
    if (scene.pods.is_down(key)) {
      missing.push_back({static_cast<std::uint16_t>(i), beats_.at(key)});
      down_since.push_back(entry->since);
      store_may_know_ = true;
    } else {
      waiting_for_.push_back(member.slot);
      store_may_know_ |= !says && key != scene.self;
    }
  }
  if (!waiting_for_.empty() || missing.size() > kMostWithout) {
    agreement_.reset();
    return agreement_;
  }
  const bool same = agreement_ && agreement_->version == scene.layout.version &&
                    agreement_->without == missing && down_since_ == down_since;
  if (same) return agreement_;
  Agreement agreement;
  agreement.version = scene.layout.version;
  agreement.round = ++rounds_;
  agreement.without = std::move(missing);
  agreement_ = std::move(agreement);
  down_since_ = std::move(down_since);
  return agreement_;
}

// As of the agreement there is.
bool SettleBook::believes(const Settling& other) const {
  if (other.layout_version != agreement_->version) return false;
  const std::vector<Missing>& mine = agreement_->without;
  return std::all_of(other.without.begin(), other.without.end(), [&](const Missing& one) {
    auto before = [](const Missing& left, const Missing& right) {
      return left.member < right.member;
    };
    auto at = std::lower_bound(mine.begin(), mine.end(), one, before);
    return at != mine.end() && at->member == one.member && one.last_beat >= at->last_beat;
  });
}

WalkedSlices SettleBook::found_by_others(const Scene& scene) const {
  WalkedSlices found;
  if (!agreement_) return found;
  for (const layout::Member& member : scene.layout.members) {
    if (!layout::is_present(member)) continue;
    const PodKey key{member.slot, member.incarnation};
    const PodEntry* entry = key == scene.self ? nullptr : scene.pods.find(key);
    if (entry == nullptr || !entry->last.settling) continue;
    const Settling& other = *entry->last.settling;
    if (!believes(other)) continue;
    found.uploads |= other.found.uploads;
    found.objects |= other.found.objects;
  }
  return found;
}

void SettleBook::rest() {
  agreement_.reset();
  down_since_.clear();
  waiting_for_.clear();
  store_may_know_ = false;
}

}  // namespace mas::membership
