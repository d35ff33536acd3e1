#include "maintain/slices.h"

#include <array>

#include "mas/core/xxh3.h"
#include "mas/layout/leavers.h"
#include "mas/object/holders.h"

namespace mas::maintain {
namespace {

Sum128 rank(const Id128& incarnation, std::size_t slice) {
  std::string text(as_text(incarnation.bytes));
  text.push_back(static_cast<char>(slice));
  return xxh3_128(as_bytes(text));
}

}  // namespace

std::vector<Id128> live_members(const membership::ClusterView& view) {
  std::vector<Id128> live;
  for (std::size_t i = 0; i < view.layout.members.size(); ++i) {
    if (!layout::is_present(view.layout.members[i])) continue;
    bool down = object::is_down(view, static_cast<layout::MemberIndex>(i));
    if (!down) live.push_back(view.layout.members[i].incarnation);
  }
  return live;
}

std::vector<Id128> live_sources(const membership::ClusterView& view) {
  std::vector<Id128> live;
  for (layout::MemberIndex source : layout::sources(view.layout)) {
    const membership::Pod* pod = view.pod_of(source);
    if (pod != nullptr && pod->alive) live.push_back(view.layout.members[source].incarnation);
  }
  return live;
}

std::vector<Id128> settling_members(const membership::ClusterView& view) {
  std::vector<Id128> settling;
  for (std::size_t i = 0; i < view.layout.members.size(); ++i) {
    if (!layout::is_present(view.layout.members[i])) continue;
    const membership::Pod* pod = view.pod_of(static_cast<layout::MemberIndex>(i));
    const bool walks = pod != nullptr && pod->alive && pod->last.settling.has_value();
    if (walks) settling.push_back(view.layout.members[i].incarnation);
  }
  return settling;
}

SliceSet own_slices(const membership::ClusterView& view, const std::vector<Id128>& members) {
  SliceSet own;
  if (!view.is_member()) return own;
  const Id128 self = view.layout.members[view.self].incarnation;
  for (std::size_t slice = 0; slice < kSlices; ++slice) {
    const Sum128 mine = rank(self, slice);
    bool won = true;
    for (const Id128& other : members) won = won && rank(other, slice) <= mine;
    own[slice] = won;
  }
  return own;
}

SliceSet own_slices(const membership::ClusterView& view) {
  return own_slices(view, live_members(view));
}

std::string prefix_of(std::size_t slice) {
  const std::array<std::uint8_t, 1> byte{static_cast<std::uint8_t>(slice)};
  return to_hex(byte);
}

}  // namespace mas::maintain
