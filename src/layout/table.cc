#include "layout/table.h"

#include <algorithm>
#include <map>
#include <string>

#include "mas/layout/leavers.h"

namespace mas::layout {

bool contains(const Row& row, MemberIndex member) {
  return std::find(row.begin(), row.end(), member) != row.end();
}

std::size_t count_active(const std::vector<Member>& members) {
  auto active = [](const Member& member) { return member.state == MemberState::active; };
  return static_cast<std::size_t>(std::count_if(members.begin(), members.end(), active));
}

std::vector<bool> named_in_rows(const Layout& layout) {
  std::vector<bool> named(layout.members.size(), false);
  for (const auto* table : {&layout.rows, &layout.previous}) {
    for (const Row& row : *table) {
      for (MemberIndex member : row) named[member] = true;
    }
  }
  return named;
}

std::vector<MemberIndex> free_places(const Layout& layout) {
  const std::vector<bool> named = named_in_rows(layout);
  std::vector<MemberIndex> places;
  for (std::size_t i = 0; i < layout.members.size(); ++i) {
    bool is_free = layout.members[i].state == layout::kGivenUp && !named[i];
    if (is_free) places.push_back(static_cast<MemberIndex>(i));
  }
  return places;
}

void drop_last_places(Layout& layout) {
  std::vector<bool> named = named_in_rows(layout);
  while (!layout.members.empty() && layout.members.back().state == layout::kGivenUp &&
         !named[layout.members.size() - 1]) {
    layout.members.pop_back();
  }
}

Traits::Traits(const std::vector<Member>& members) {
  std::map<std::string, std::uint32_t> zones;
  for (const Member& member : members) {
    auto number = static_cast<std::uint32_t>(zones.size());
    zone.push_back(zones.try_emplace(member.zone, number).first->second);
    weight.push_back(std::max<std::uint32_t>(member.weight, 1));
    active.push_back(member.state == MemberState::active);
    if (active.back()) total_weight += weight.back();
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
