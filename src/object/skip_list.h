// Members that stayed silent: for a while they get no new shards and are asked last.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "mas/layout/layout.h"
#include "mas/runtime/clock.h"

namespace mas::object {

// Thread-safe. Never more than a third of all members stand in it at once (but one always may):
// where most are slow it is this pod or the network, and leaving them out would help nobody.
class SkipList {
 public:
  // `skip_for` 0: nobody is ever skipped.
  SkipList(Clock& clock, Duration skip_for) : clock_(clock), skip_for_(skip_for) {}

  // False: too many are skipped already. `members`: how many there are.
  bool add(layout::MemberIndex member, std::size_t members);
  [[nodiscard]] bool contains(layout::MemberIndex member) const;
  [[nodiscard]] Duration skip_for() const noexcept { return skip_for_; }

 private:
  Clock& clock_;
  const Duration skip_for_;
  std::atomic<bool> any_{false};
  mutable std::mutex mutex_;
  std::vector<std::pair<layout::MemberIndex, Instant>> until_;
};

}  // namespace mas::object
