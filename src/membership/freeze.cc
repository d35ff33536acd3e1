#include "membership/freeze.h"

#include <algorithm>

#include "mas/layout/leavers.h"

namespace mas::membership {

bool vanished_together(std::vector<Instant> last_seen, std::size_t members, Duration window) {
  std::sort(last_seen.begin(), last_seen.end());
  std::size_t most = 0;
  std::size_t first = 0;
  for (std::size_t last = 0; last < last_seen.size(); ++last) {
    while (last_seen[last] - last_seen[first] > window) ++first;
    most = std::max(most, last - first + 1);
  }
  return most >= 2 && most * 4 > members;
}

std::vector<PodKey> present_members(const layout::Layout& layout) {
  std::vector<PodKey> keys;
  for (const layout::Member& member : layout.members) {
    if (layout::is_present(member)) keys.push_back({member.slot, member.incarnation});
  }
  return keys;
}

std::string frozen_reason(const layout::Layout& layout, const PodTable& pods, bool blind,
                          Duration window) {
  if (blind) {
    return "The message broker is out of reach: pods are known by direct probes only, and nothing "
           "is moved or removed until it is back.";
  }
  std::vector<PodKey> members = present_members(layout);
  // Not since when they are down: where many vanish, probing them all takes longer than the window.
  std::vector<Instant> last_seen;
  for (const PodKey& key : members) {
    if (pods.is_down(key)) last_seen.push_back(pods.find(key)->last_seen);
  }
  std::size_t down = last_seen.size();
  if (!vanished_together(std::move(last_seen), members.size(), window)) return {};
  return std::to_string(down) + " of " + std::to_string(members.size()) +
         " pods are down, most of them since the same moment: nothing is moved or removed until "
         "they are back or replaced.";
}

}  // namespace mas::membership
