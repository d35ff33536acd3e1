#include "membership/standing.h"

namespace mas::membership {
namespace {

Standing silent(std::string reason) { return {Role::silent, layout::kNobody, std::move(reason)}; }

}  // namespace

Standing standing_of(const PodKey& self, const layout::Layout& layout, const PodTable& pods,
                     bool was_member) {
  layout::MemberIndex index = layout.find(self.slot);
  const layout::Member* mine = index == layout::kNobody ? nullptr : &layout.members[index];
  bool present = mine != nullptr && mine->state != layout::MemberState::left;
  if (present && mine->incarnation == self.incarnation) return {Role::member, index, {}};
  for (const layout::Member& member : layout.members) {
    if (member.incarnation != self.incarnation || member.slot == self.slot) continue;
    return silent("The data directory is a copy of " + member.slot + "'s: start " + self.slot +
                  " with an empty one.");
  }
  bool left = mine != nullptr && !present && mine->incarnation == self.incarnation;
  if (left || (was_member && layout.version > 0)) {
    return silent(
        "This data directory belonged to the cluster and has been given up or replaced "
        "meanwhile: empty it, and the pod joins anew.");
  }
  PodKey holder;
  if (present) holder = {mine->slot, mine->incarnation};
  if (present && !pods.is_down(holder)) {
    return silent("The name " + self.slot +
                  " is held by another data directory whose pod is not known to be down: give each "
                  "pod a name of its own.");
  }
  return {Role::joining, layout::kNobody, {}};
}

}  // namespace mas::membership
