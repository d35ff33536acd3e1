#include "mas/object/holders.h"

#include <algorithm>

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
  if (reach != Reach::everybody) return members;
  for (std::size_t member = 0; member < layout.members.size(); ++member) {
    add(members, static_cast<layout::MemberIndex>(member));
  }
  return members;
}

bool is_changing(const layout::Layout&, std::uint32_t) { return false; }

bool is_down(const membership::ClusterView& view, layout::MemberIndex member) {
  const membership::Pod* pod = view.pod_of(member);
  return pod != nullptr && !pod->alive;
}

bool may_remove(const membership::ClusterView& view) {
  return view.self < view.layout.members.size();
}

}  // namespace mas::object
