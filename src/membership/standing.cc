#include "membership/standing.h"

#include "mas/layout/leavers.h"

namespace mas::membership {
namespace {

constexpr const char* kSource =
    "This pod has left the layout. What its data directory holds is read for as long as it may be "
    "stored nowhere else; nothing is written there. Leave it running: it says when the directory "
    "may "
    "be emptied.";

Standing silent(std::string reason) { return {Role::silent, layout::kNobody, std::move(reason)}; }

}  // namespace

Standing standing_of(const PodKey& self, const layout::Layout& layout, const PodTable& pods,
                     bool was_member) {
  const layout::MemberIndex index = layout.find(self.slot);
  const layout::Member* mine = index == layout::kNobody ? nullptr : &layout.members[index];
  const bool present = mine != nullptr && layout::is_present(*mine);
  if (present && mine->incarnation == self.incarnation) return {Role::member, index, {}};
  bool gone = was_member && layout.version > 0;
  for (const layout::Member& member : layout.members) {
    if (member.incarnation != self.incarnation) continue;
    if (member.slot != self.slot) {
      return silent("The data directory is a copy of " + member.slot + "'s: start " + self.slot +
                    " with an empty one.");
    }
    if (member.state == layout::MemberState::left)
      return {Role::returned, layout::kNobody, kSource};
    gone = true;
  }
  if (gone) {
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
