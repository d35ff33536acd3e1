#include "mas/object/holders.h"

#include <algorithm>

#include "mas/layout/leavers.h"

namespace mas::object {
namespace {

void add(std::vector<layout::MemberIndex>& members, layout::MemberIndex member) {
  if (std::find(members.begin(), members.end(), member) == members.end()) members.push_back(member);
}

}  // namespace

std::optional<layout::MemberIndex> row_holder(const layout::Layout& layout, std::uint32_t partition,
                                              std::size_t position) {
  const std::vector<layout::MemberIndex>& row = layout.row(partition);
  if (position >= row.size()) return std::nullopt;
  return row[position];
}

std::vector<layout::MemberIndex> holders_of(const layout::Layout& layout, std::uint32_t partition,
                                            std::size_t position, Reach reach) {
  std::vector<layout::MemberIndex> members;
  if (auto holder = row_holder(layout, partition, position)) members.push_back(*holder);
  if (reach == Reach::row) return members;
  for (layout::MemberIndex member : layout.holders(partition, position)) add(members, member);
  if (reach == Reach::previous) return members;
  for (layout::MemberIndex member : layout.holders(partition)) add(members, member);
  for (std::size_t member = 0; member < layout.members.size(); ++member) {
    if (layout.members[member].state == layout::kGivenUp) continue;
    add(members, static_cast<layout::MemberIndex>(member));
  }
  return members;
}

bool is_changing(const layout::Layout& layout, std::uint32_t partition) {
  return !layout.previous_row(partition).empty();
}

bool is_down(const membership::ClusterView& view, layout::MemberIndex member) {
  const membership::Pod* pod = view.pod_of(member);
  return pod != nullptr && !pod->alive;
}

bool is_given_up(const membership::ClusterView& view, layout::MemberIndex member) {
  return view.layout.members[member].state == layout::kGivenUp;
}

bool may_remove(const membership::ClusterView& view) {
  return view.is_member() && !view.frozen() && !view.halted();
}

}  // namespace mas::object
