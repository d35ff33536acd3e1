// What a member of a cluster sees of the others, for tests of what it would change.
#pragma once

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "beats.h"
#include "mas/layout/leavers.h"
#include "membership/plan.h"

namespace mas::membership::test {

inline Heartbeat newcomer(const std::string& name, int incarnation) {
  Heartbeat beat = membership::test::beat(1, PodState::joining);
  beat.slot = name;
  beat.incarnation = id(incarnation);
  return beat;
}

// A cluster of `count` as its member 0 sees it.
class Watcher {
 public:
  explicit Watcher(int count) : layout(founded(count)) { expect(); }

  // Members that were never heard are heard at 0, so that they are silent and not unknown.
  void expect(bool heard = true) {
    std::vector<PodKey> present;
    for (const layout::Member& m : layout.members) {
      if (m.state != layout::MemberState::left) present.push_back({m.slot, m.incarnation});
    }
    pods.expect(present, at(seconds(0)));
    for (const PodKey& pod : present) {
      const PodEntry* entry = pods.find(pod);
      if (!heard || entry == nullptr || entry->heard) continue;
      Heartbeat first = beat(0);
      first.slot = pod.slot;
      first.incarnation = pod.incarnation;
      pods.hear(first, at(seconds(0)));
    }
  }
  // A pod that answers at its peer port.
  void hear(const Heartbeat& some, Duration time) {
    hear_only(some, time);
    pods.answered({some.slot, some.incarnation}, at(time));
  }
  void hear_only(const Heartbeat& some, Duration time) { pods.hear(some, at(time)); }
  // From `time` on.
  void down(int number, Duration time) { down(key(number), time); }
  void down(const PodKey& pod, Duration time) {
    Heartbeat last = beat(0);
    last.slot = pod.slot;
    last.incarnation = pod.incarnation;
    pods.hear(last, at(time - kSilence));
    for (const PodKey& due : pods.due(at(time), false, 1000)) {
      bool answers = due != pod && !pods.is_down(due);
      pods.probed(due, answers, at(time), at(time), false);
    }
  }
  // It has come back with the empty directory `incarnation`.
  void emptied(int number, int incarnation, Duration time) {
    down(number, time);
    hear(newcomer(slot(number), incarnation), time);
  }
  std::optional<Step> plan_at(Duration time) {
    notes.clear();
    Scene scene{layout, pods, self ? &*self : nullptr, at(time), vanished};
    return plan(scene, rules(), notes);
  }
  PlanRules rules() {
    PlanRules rules{seconds(30), minutes(15), layout::profile_for, {}};
    if (fixed) rules.profile = [profile = *fixed](std::size_t) { return profile; };
    rules.can_hold_without = [this](const std::vector<std::string>& slots) {
      return slots.size() <= room_for;
    };
    return rules;
  }
  Result<Step> give_up(const std::string& name, Duration time) {
    Scene scene{layout, pods, self ? &*self : nullptr, at(time), vanished};
    return plan_give_up(scene, name);
  }
  std::string all_notes() const {
    std::string all;
    for (const std::string& note : notes) all += note + "\n";
    return all;
  }

  layout::Layout layout;
  PodTable pods{key(0), kBeat, kSilence};
  std::optional<Heartbeat> self;
  std::optional<Profile> fixed;
  std::size_t room_for = 100;
  bool vanished = false;
  std::vector<std::string> notes;
};

inline Step must_have(std::optional<Step> step) {
  REQUIRE(step);
  return *std::move(step);
}

inline std::vector<std::string> slots_of(const std::optional<Step>& step) {
  return step ? step->slots : std::vector<std::string>{};
}

}  // namespace mas::membership::test
