// LayoutKeeper: this pod's dealings with the layout in the metadata store: reads it, keeps it on
// disk, acknowledges it, and proposes the changes that plan.h decides on.
#pragma once

#include <functional>
#include <optional>

#include "mas/membership/leavers.h"
#include "mas/runtime/sync.h"
#include "membership/plan.h"
#include "membership/settle_book.h"
#include "membership/state.h"

namespace mas::membership {

// Runs on membership's executor. Its calls may overlap.
class LayoutKeeper {
 public:
  // `changed` is called when `state` shows something new.
  // `look`: without one nobody who has left is let go but by a word.
  LayoutKeeper(State& state, Dependencies& deps, LeaversLook* look, std::function<void()> changed);

  // What the pod kept, into `state`, and where its beats begin. Before anything else.
  Task<Result<void>> load();
  // One round: read if it is time, then act on what is known. Bounded by the store's deadlines.
  Task<void> tick();
  // Reads the layout and takes it over if it is newer.
  Task<Result<void>> read();
  // See Membership and Leavers.
  Task<Result<void>> take_over(layout::Layout found);
  Task<Result<std::uint64_t>> give_up(std::string slot);

 private:
  Task<void> adopt(layout::Layout found);
  Task<bool> save();
  Task<void> save_generation();
  Task<void> reserve_sequences();
  Task<void> check_generation();
  Task<void> found();
  Task<void> acknowledge();
  Task<void> change();
  Task<void> settle();
  Task<void> read_acknowledgements(std::size_t place);
  [[nodiscard]] SettleBook::Scene settle_scene() const;
  void tell_settling(Settling settling);
  Task<void> release();
  Task<Result<void>> propose(layout::Layout next, std::string what, std::string slots);
  [[nodiscard]] Scene scene(const Heartbeat& self) const;
  // That it knows the newest layout, and has it on its disk.
  [[nodiscard]] bool is_sure() const;
  [[nodiscard]] bool may_propose() const;
  [[nodiscard]] std::size_t rank() const;
  void distrust(std::string reason);
  void halt_for_generation(std::string wrong);
  void note(std::vector<std::string> waiting);

  State& state_;
  Dependencies& deps_;
  LeaversLook* look_;
  std::function<void()> changed_;
  observe::Counter& won_;
  observe::Counter& lost_;  // somebody else was first
  observe::Counter& failed_;
  PlanRules rules_;
  Turns change_turns_;
  Turns settle_turns_;
  Semaphore disk_turn_{1};
  Instant started_{};
  Instant next_read_{};
  Instant next_check_{};
  Instant next_save_{};
  Instant next_acks_{};
  bool unsaved_ = false;
  std::uint64_t saved_generation_ = 0;
  std::uint64_t reserved_ = 0;  // no process after this one says a sequence below this
  std::uint64_t acknowledged_ = 0;
  Instant next_ack_{};                 // of the same version again
  bool counter_trusted_ = false;       // when it was looked at last, it was high enough
  std::uint64_t generation_halt_ = 0;  // layout version at which the counter was found too low
  SettleBook book_;
  std::optional<Look> last_look_;  // for what only those may hold who have left
  std::vector<std::string> notes_;
};

}  // namespace mas::membership
