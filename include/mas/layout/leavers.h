// Who has left a layout, and whether what it holds may still be needed.
//
// Leaving moves placement only. Who has left (MemberState::left) stays listed as a source: if its
// data directory comes back, readers and repair ask it for shards. It is given up when nothing more
// is expected of it; what is left of its entry then is a place for whoever joins next.
#pragma once

#include <vector>

#include "mas/layout/layout.h"

namespace mas::layout {

// Beside the states that 0.1.0 knew. Keeps its index for as long as previous rows name it.
inline constexpr auto kGivenUp = static_cast<MemberState>(4);

// Belongs to the cluster: is counted, waited for and agreed with.
[[nodiscard]] inline bool is_present(const Member& member) {
  return member.state == MemberState::active || member.state == MemberState::draining;
}

// Another directory has taken over its slot, which has not left since: nothing that was deleted
// meanwhile has left the freed list, and it may have its slot back when that one is gone.
[[nodiscard]] inline bool may_take_back(const Member& member) {
  return member.state == MemberState::left && member.fresh;
}

// Who has left and was not given up. A slot may be there several times, each time with another
// incarnation, and be present besides.
[[nodiscard]] std::vector<MemberIndex> sources(const Layout& layout);

// The same table with the data directory of `source`, who may take it, back in its slot; the one
// that has it now is listed as a source instead. Marked fresh, as it lacks what was stored since;
// version + 1. Moves no row.
[[nodiscard]] Layout taken_back(const Layout& layout, MemberIndex source);

// The same table with nothing expected any more of `members`, who have left; version + 1.
[[nodiscard]] Layout given_up(const Layout& layout, const std::vector<MemberIndex>& members);

}  // namespace mas::layout
