#include "membership/plan.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

#include "mas/layout/leavers.h"
#include "mas/membership/leavers.h"
#include "membership/freeze.h"

namespace mas::membership {
namespace {

using layout::Member;
using layout::MemberState;

constexpr std::size_t kMaxMembers = 10'000;  // what a layout document can hold
// Data directories of one slot that may be known as sources.
constexpr std::size_t kMostDirectories = 8;

PodKey key_of(const Member& member) { return {member.slot, member.incarnation}; }

bool is_alive(const PodTable& pods, const Member& member) {
  const PodEntry* entry = pods.find(key_of(member));
  return entry != nullptr && entry->heard && entry->liveness != Liveness::down;
}

std::string way_out(const std::string& slot) {
  return "bring its data directory back, or give its data up with `mas cluster give-up " + slot +
         "`.";
}

// Members whose shards cannot be counted on: down, or empty and not rebuilt yet.
std::size_t missing(const Scene& scene) {
  return static_cast<std::size_t>(std::count_if(
      scene.layout.members.begin(), scene.layout.members.end(), [&](const Member& member) {
        return layout::is_present(member) && (member.fresh || scene.pods.is_down(key_of(member)));
      }));
}

bool named_by_layout(const layout::Layout& layout, const Id128& incarnation) {
  return std::any_of(layout.members.begin(), layout.members.end(),
                     [&](const Member& member) { return member.incarnation == incarnation; });
}

// Pods that ask to be taken in, by slot, seen for at least `seen_for`. Two of one name are nobody.
// Whoever has not answered at its peer port may be long gone: its heartbeats can be sent again.
std::map<std::string, const Heartbeat*> newcomers(const Scene& scene, Duration seen_for,
                                                  std::vector<std::string>& notes) {
  std::map<std::string, const Heartbeat*> found;
  auto add = [&](const Heartbeat& beat) {
    if (beat.state != PodState::joining || named_by_layout(scene.layout, beat.incarnation)) return;
    auto [at, added] = found.try_emplace(beat.slot, &beat);
    if (added) return;
    if (at->second != nullptr) {
      notes.push_back("Two new pods call themselves " + beat.slot + ": stop one of them.");
    }
    at->second = nullptr;
  };
  for (const auto& [key, entry] : scene.pods.pods()) {
    bool seen = entry.liveness == Liveness::alive && scene.now - entry.first >= seen_for;
    if (seen && entry.proven) add(entry.last);
    if (seen && !entry.proven && entry.last.state == PodState::joining) {
      notes.push_back(key.slot + " asks to be taken in, but does not answer at its peer port, " +
                      entry.last.peer_address + ".");
    }
  }
  if (scene.self != nullptr) add(*scene.self);
  std::erase_if(found, [](const auto& item) { return item.second == nullptr; });
  return found;
}

std::size_t directories_of(const layout::Layout& layout, const std::string& slot) {
  const auto sources = layout::sources(layout);
  return static_cast<std::size_t>(std::count_if(
      sources.begin(), sources.end(),
      [&](layout::MemberIndex source) { return layout.members[source].slot == slot; }));
}

// Whether who left is here again, which may be this pod.
bool is_back(const Scene& scene, const PodKey& old) {
  if (scene.self != nullptr && PodKey{scene.self->slot, scene.self->incarnation} == old)
    return scene.self->state == kReturned;
  const PodEntry* entry = scene.pods.find(old);
  return entry != nullptr && entry->heard && entry->liveness == Liveness::alive && entry->proven &&
         entry->last.state == kReturned;
}

// A disk that was not mounted once is there again, and the directory that took its place is not. It
// lost nothing that it had, and nothing of what was deleted meanwhile has left the freed list.
std::optional<Step> plan_take_back(const Scene& scene) {
  for (layout::MemberIndex source : layout::sources(scene.layout)) {
    const Member& old = scene.layout.members[source];
    const layout::MemberIndex index = scene.layout.find(old.slot);
    const Member& now = scene.layout.members[index];
    const bool vacant = layout::may_take_back(old) && now.state == MemberState::active &&
                        scene.pods.is_down(key_of(now));
    if (!vacant) continue;
    if (!is_back(scene, key_of(old))) continue;
    return Step{Change::take_back, {old.slot}, layout::taken_back(scene.layout, source)};
  }
  return std::nullopt;
}

// Pods that may be lost: a profile that is wider than the cluster has not all its parity anywhere.
int losses_borne(const Profile& profile, const layout::Layout& layout) {
  return std::clamp(static_cast<int>(layout.active_count()) - profile.k, 0, int{profile.m});
}

std::optional<Step> plan_take_over(const Scene& scene, const PlanRules& rules,
                                   std::vector<std::string>& notes) {
  auto waiting = newcomers(scene, Duration::zero(), notes);
  for (const Member& member : scene.layout.members) {
    auto at = waiting.find(member.slot);
    bool wanted = at != waiting.end() && member.state == MemberState::active &&
                  scene.pods.is_down(key_of(member));
    if (!wanted) continue;
    const int bearable = losses_borne(rules.profile(scene.layout.active_count()), scene.layout);
    if (bearable == 0) {
      // As likely as a new disk is one that is not mounted, and then new files would go astray.
      notes.push_back(
          member.slot +
          " has come back with an empty data directory, and nobody has a second copy of "
          "what the old one holds: " +
          way_out(member.slot));
      continue;
    }
    if (directories_of(scene.layout, member.slot) >= kMostDirectories ||
        scene.layout.members.size() >= kMaxMembers) {
      notes.push_back(member.slot + " has come back empty too often: " + way_out(member.slot));
      continue;
    }
    // Beyond this the old directories are more likely to come back than to be gone.
    if (missing(scene) > static_cast<std::size_t>(bearable)) {
      notes.push_back(member.slot + " has come back empty while " + std::to_string(missing(scene)) +
                      " pods are missing: bring back the data directories of the others first.");
      continue;
    }
    return Step{Change::take_over,
                {member.slot},
                layout::taken_over(scene.layout, member.slot, at->second->incarnation)};
  }
  return std::nullopt;
}

// Those who stay, with what their pods say of them now.
std::vector<Member> staying(const Scene& scene, const std::vector<std::string>& without) {
  std::vector<Member> members;
  for (const Member& member : scene.layout.members) {
    bool goes = std::find(without.begin(), without.end(), member.slot) != without.end();
    if (!layout::is_present(member) || goes) continue;
    Member now = member;
    const PodEntry* entry = scene.pods.find(key_of(member));
    // Only those with a seal name their process. Anybody may have said the others, and the layout
    // is kept.
    const bool proven = entry != nullptr && entry->heard && !entry->last.boot.is_zero();
    const Heartbeat* beat = proven ? &entry->last : nullptr;
    bool is_self = scene.self != nullptr && scene.self->slot == member.slot &&
                   scene.self->incarnation == member.incarnation;
    if (is_self) beat = scene.self;
    if (beat != nullptr) {
      Member described = member_of(*beat);
      now.zone = described.zone;
      now.weight = described.weight;
    }
    members.push_back(std::move(now));
  }
  return members;
}

std::optional<Step> plan_leave(const Scene& scene, const PlanRules& rules,
                               std::vector<std::string>& notes) {
  const std::size_t active = scene.layout.active_count();
  const Profile profile = rules.profile(active);
  std::size_t spare = active - std::min<std::size_t>(active, profile.width());
  std::vector<std::string> going;
  for (const Member& member : scene.layout.members) {
    const PodEntry* entry = scene.pods.find(key_of(member));
    bool long_down = layout::is_present(member) && entry != nullptr &&
                     entry->liveness == Liveness::down &&
                     scene.now - entry->since >= rules.leave_after;
    if (!long_down) continue;
    if (missing(scene) > profile.m) {
      notes.push_back(member.slot + " is down and stays in the layout, because " +
                      std::to_string(missing(scene)) +
                      " pods are missing and their data cannot be rebuilt without them: bring back "
                      "their data directories.");
      continue;
    }
    if (member.state == MemberState::active) {
      if (spare == 0) {
        notes.push_back(member.slot + " is down and cannot be left out: " + profile.text() +
                        " needs " + std::to_string(profile.width()) + " of the " +
                        std::to_string(active) + " members. Replace it.");
        continue;
      }
      going.push_back(member.slot);
      if (!rules.can_hold_without(going)) {
        notes.push_back(member.slot +
                        " is down and cannot be left out: the others have too little room. Replace "
                        "it, or add a pod.");
        going.pop_back();
        continue;
      }
      --spare;
    } else {
      going.push_back(member.slot);
    }
  }
  if (going.empty()) return std::nullopt;
  layout::Layout next = layout::next(scene.layout, staying(scene, going));
  return Step{Change::leave, std::move(going), std::move(next)};
}

std::optional<Step> plan_join(const Scene& scene, const PlanRules& rules,
                              std::vector<std::string>& notes) {
  if (!scene.layout.is_settled()) return std::nullopt;
  std::vector<std::string> coming;
  std::vector<Member> added;
  for (const auto& [slot, beat] : newcomers(scene, rules.join_after, notes)) {
    layout::MemberIndex index = scene.layout.find(slot);
    bool free = true;
    if (index != layout::kNobody) {
      const Member& old = scene.layout.members[index];
      bool drained_and_down = old.state == MemberState::draining && scene.pods.is_down(key_of(old));
      free = !layout::is_present(old) || drained_and_down;
    }
    // This pod takes nobody in before it is a member itself.
    bool full = scene.layout.members.size() + added.size() >= kMaxMembers;
    if (!free || full || slot.empty() || slot.size() > 255 || beat->zone.size() > 255) continue;
    coming.push_back(slot);
    added.push_back(member_of(*beat));
  }
  if (coming.empty()) return std::nullopt;
  std::vector<Member> members = staying(scene, coming);
  members.insert(members.end(), added.begin(), added.end());
  layout::Layout next = layout::next(scene.layout, members);
  return Step{Change::join, std::move(coming), std::move(next)};
}

}  // namespace

const char* name_of(Change change) {
  switch (change) {
    case Change::take_back:
      return "take back";
    case Change::take_over:
      return "take over";
    case Change::leave:
      return "leave";
    case Change::join:
      return "join";
    case Change::give_up:
      return "give up";
  }
  return "";
}

std::optional<Step> plan(const Scene& scene, const PlanRules& rules,
                         std::vector<std::string>& notes) {
  if (auto step = plan_take_back(scene)) return step;
  if (auto step = plan_take_over(scene, rules, notes)) return step;
  if (scene.vanished) return std::nullopt;
  if (auto step = plan_leave(scene, rules, notes)) return step;
  return plan_join(scene, rules, notes);
}

Result<Step> plan_give_up(const Scene& scene, const std::string& slot) {
  layout::Layout next = scene.layout;
  bool changed = false;
  std::vector<std::string> notes;
  const auto waiting = newcomers(scene, Duration::zero(), notes);
  const layout::MemberIndex index = next.find(slot);
  const bool waits = index != layout::kNobody && waiting.contains(slot) &&
                     next.members[index].state == MemberState::active &&
                     scene.pods.is_down(key_of(next.members[index]));
  if (waits) {
    next = layout::taken_over(next, slot, waiting.at(slot)->incarnation);
    changed = true;
  }
  // A slot may have left with several directories: one that is back stays.
  std::vector<layout::MemberIndex> gone;
  bool is_back = false;
  for (layout::MemberIndex source : layout::sources(next)) {
    if (next.members[source].slot != slot) continue;
    const bool alive = is_alive(scene.pods, next.members[source]);
    is_back = is_back || alive;
    if (!alive) gone.push_back(source);
  }
  if (!gone.empty()) {
    next = layout::given_up(next, gone);
    changed = true;
  }
  if (!changed && is_back) {
    return Error(Code::refused, slot +
                                    " is back with its data directory, which is being read: "
                                    "stop that pod first if its data are to be given up.");
  }
  if (!changed) {
    return Error(Code::refused,
                 "Nothing is waited for under the name " + slot +
                     ": it has not left with data that may be needed, nor come back empty.");
  }
  next.version = scene.layout.version + 1;
  return Step{Change::give_up, {slot}, std::move(next)};
}

std::vector<std::string> notes_on_leavers(const layout::Layout& layout, const PodTable& pods,
                                          bool needed) {
  std::vector<std::string> notes;
  for (layout::MemberIndex source : layout::sources(layout)) {
    const Member& member = layout.members[source];
    if (is_alive(pods, member)) {
      notes.push_back(member.slot +
                      " has left; its data directory is back and is read until what it holds is "
                      "stored by the others.");
    } else if (needed) {
      notes.push_back(member.slot +
                      " has left, and something cannot be read without those who "
                      "have left: " +
                      way_out(member.slot));
    } else {
      notes.push_back(member.slot +
                      " has left; what it held is not given up before everything is "
                      "known to be in place with the others.");
    }
  }
  return notes;
}

std::optional<std::uint64_t> ordinal_of(std::string_view slot) {
  std::size_t start = slot.find_last_not_of("0123456789");
  start = start == std::string_view::npos ? 0 : start + 1;
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(slot.data() + start, slot.data() + slot.size(), number);
  if (start == slot.size() || error != std::errc() || end != slot.data() + slot.size()) {
    return std::nullopt;
  }
  return number;
}

std::size_t members_alive(const layout::Layout& layout, const PodTable& pods,
                          const std::string* before) {
  std::size_t alive = 0;
  for (const PodKey& key : present_members(layout)) {
    bool counts = before == nullptr || key.slot < *before;
    if (counts && !pods.is_down(key)) ++alive;
  }
  return alive;
}

bool Turns::may_act(std::string_view what, std::uint64_t version, std::size_t rank, Instant now) {
  if (what_ != what || version_ != version) {
    what_ = what;
    version_ = version;
    since_ = now;
  }
  return now - since_ >= kWait * static_cast<Duration::rep>(rank);
}

layout::Member member_of(const Heartbeat& beat) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  Member member;
  member.slot = beat.slot;
  member.incarnation = beat.incarnation;
  member.zone = beat.zone;
  member.weight =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(beat.capacity / kGiB, 1, kMost));
  return member;
}

}  // namespace mas::membership
