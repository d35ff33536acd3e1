#include "layout/table.h"

#include <algorithm>
#include <map>
#include <string>

namespace mas::layout {

bool contains(const Row& row, MemberIndex member) {
  return std::find(row.begin(), row.end(), member) != row.end();
}

Traits::Traits(const std::vector<Member>& members) {
  std::map<std::string, std::uint32_t> zones;
  for (const Member& member : members) {
    auto number = static_cast<std::uint32_t>(zones.size());
    zone.push_back(zones.try_emplace(member.zone, number).first->second);
    weight.push_back(std::max<std::uint32_t>(member.weight, 1));
    total_weight += weight.back();
  }
}

std::size_t zone_mates(const Row& row, std::size_t position, MemberIndex member,
                       const Traits& traits) {
  std::size_t mates = 0;
  for (std::size_t i = 0; i < position; ++i) {
    if (row[i] != kHole && traits.zone[row[i]] == traits.zone[member]) ++mates;
  }
  return mates;
}

}  // namespace mas::layout
