#include "app/serve/layout_duties.h"

#include <algorithm>

namespace mas::app {
namespace {

class Duties final : public membership::LayoutDuties {
 public:
  Duties(object::Objects& objects, maintain::SettleWalk& walk, const membership::ViewBoard& board)
      : objects_(objects), walk_(walk), board_(board) {}

  Task<Result<bool>> writes_drained(std::uint64_t version) override {
    co_return objects_.writes_drained(version);
  }

  Task<Result<membership::WalkedSlices>> walk(membership::WalkOrder order) override {
    co_return walk_.go_on(std::move(order));
  }

  bool can_hold_without(const std::vector<std::string>& slots) override {
    auto view = board_.current();
    std::uint64_t moving = 0;
    std::uint64_t room = 0;
    for (const membership::Pod& pod : view->pods) {
      const membership::Heartbeat& beat = pod.last;
      bool leaves = std::find(slots.begin(), slots.end(), beat.slot) != slots.end();
      if (leaves) {
        moving += beat.used;
      } else if (pod.alive && beat.state == membership::PodState::active) {
        room += beat.capacity - std::min(beat.capacity, beat.used);
      }
    }
    // Never down to the last byte: the shares are even only by and large.
    return moving <= room / 10 * 8;
  }

 private:
  object::Objects& objects_;
  maintain::SettleWalk& walk_;
  const membership::ViewBoard& board_;
};

}  // namespace

std::unique_ptr<membership::LayoutDuties> make_layout_duties(object::Objects& objects,
                                                             maintain::SettleWalk& walk,
                                                             const membership::ViewBoard& board) {
  return std::make_unique<Duties>(objects, walk, board);
}

}  // namespace mas::app
