// What to change in the layout, decided from what this pod sees. Pure; whoever carries a change out
// does so by compare-and-set, so that two pods may decide at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mas/layout/layout.h"
#include "membership/pod_table.h"

namespace mas::membership {

struct PlanRules {
  Duration join_after{};   // of being seen
  Duration leave_after{};  // of being down
  // The profile of new data with that many members.
  std::function<Profile(std::size_t)> profile;
  // Whether the others have room for what these slots held.
  std::function<bool(const std::vector<std::string>&)> can_hold_without;
};

struct Scene {
  const layout::Layout& layout;
  const PodTable& pods;
  // This pod as it beats: newcomers are others as a rule, but a lone member's empty successor has
  // nobody else to take it in. nullptr if it does not beat.
  const Heartbeat* self;
  Instant now;
  bool vanished;  // more than a quarter together: only empty pods take their slots again
};

enum class Change { take_back, take_over, leave, join, give_up };
[[nodiscard]] const char* name_of(Change change);

struct Step {
  Change what{};
  std::vector<std::string> slots;  // whom it is about
  layout::Layout next;
};

// The most urgent change there is, if any. `notes` gets sentences about what cannot be done, for
// operators.
[[nodiscard]] std::optional<Step> plan(const Scene& scene, const PlanRules& rules,
                                       std::vector<std::string>& notes);

// What follows from the operator's word that the data of `slot` are gone. Errors: refused.
[[nodiscard]] Result<Step> plan_give_up(const Scene& scene, const std::string& slot);

// Sentences about who has left and cannot be done without yet. `needed`: something cannot be read
// without them.
[[nodiscard]] std::vector<std::string> notes_on_leavers(const layout::Layout& layout,
                                                        const PodTable& pods, bool needed);

// "mas-12" -> 12; nullopt without a number at the end.
[[nodiscard]] std::optional<std::uint64_t> ordinal_of(std::string_view slot);

// Members that are not down, this pod included; with `before`, only those whose slot is smaller.
// Among members the one that has none before it acts at once, others the later the more they have.
[[nodiscard]] std::size_t members_alive(const layout::Layout& layout, const PodTable& pods,
                                        const std::string* before = nullptr);

// Lets pods act one after the other: each waits `rank` times a while, and acts only if what it saw
// then is still to be done.
class Turns {
 public:
  static constexpr Duration kWait = std::chrono::seconds(10);
  // Whether it is time for `what`, which has to be done as of layout `version`.
  bool may_act(std::string_view what, std::uint64_t version, std::size_t rank, Instant now);
  // Nothing is to be done.
  void rest() { what_.clear(); }

 private:
  std::string what_;
  std::uint64_t version_ = 0;
  Instant since_{};
};

// A member's place as the present beat of its pod describes it.
[[nodiscard]] layout::Member member_of(const Heartbeat& beat);

}  // namespace mas::membership
