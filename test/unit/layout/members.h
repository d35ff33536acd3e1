// Members for the layout tests, and figures about tables.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "mas/layout/layout.h"

namespace mas::layout::test {

inline Member member(int number, const std::string& zone = "", std::uint32_t weight = 1) {
  Member result;
  result.slot = "mas-" + std::to_string(number);
  result.incarnation.bytes.fill(static_cast<std::uint8_t>(number + 1));
  result.zone = zone;
  result.weight = weight;
  return result;
}

inline std::vector<Member> members(int count) {
  std::vector<Member> result;
  for (int i = 0; i < count; ++i) result.push_back(member(i));
  return result;
}

inline Id128 some_cluster() {
  Id128 id;
  id.bytes.fill(0xc1);
  return id;
}

// True if every row has min(active members, kMaxWidth) different, active members.
inline bool is_sound(const Layout& layout) {
  if (layout.rows.size() != kPartitions) return false;
  for (const auto& row : layout.rows) {
    std::set<MemberIndex> distinct(row.begin(), row.end());
    if (row.size() != std::min(layout.active_count(), kMaxWidth)) return false;
    if (distinct.size() != row.size() || *distinct.rbegin() >= layout.members.size()) return false;
    for (MemberIndex index : row) {
      if (layout.members[index].state != MemberState::active) return false;
    }
  }
  return true;
}

// Rows in which each member is among the first `width`.
inline std::vector<std::size_t> load(const Layout& layout, std::size_t width) {
  std::vector<std::size_t> rows(layout.members.size(), 0);
  for (const auto& row : layout.rows) {
    for (std::size_t i = 0; i < std::min(width, row.size()); ++i) ++rows[row[i]];
  }
  return rows;
}

// The largest of load / fair share, by weight.
inline double worst_load(const Layout& layout, std::size_t width) {
  std::vector<std::size_t> rows = load(layout, width);
  double entries = 0;
  double weights = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    entries += static_cast<double>(rows[i]);
    if (layout.members[i].state == MemberState::active) weights += layout.members[i].weight;
  }
  double worst = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double fair = entries * layout.members[i].weight / weights;
    worst = std::max(worst, static_cast<double>(rows[i]) / fair);
  }
  return worst;
}

// Entries among the first `width` whose slot differs: shards that have to move.
inline std::size_t moved(const Layout& before, const Layout& after, std::size_t width) {
  std::size_t count = 0;
  for (std::uint32_t p = 0; p < kPartitions; ++p) {
    for (std::size_t i = 0; i < std::min(width, after.rows[p].size()); ++i) {
      count += i >= before.rows[p].size() ||
               before.members[before.rows[p][i]].slot != after.members[after.rows[p][i]].slot;
    }
  }
  return count;
}

}  // namespace mas::layout::test
