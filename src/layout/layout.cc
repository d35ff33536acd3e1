#include "mas/layout/layout.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "layout/table.h"
#include "mas/core/result.h"
#include "mas/core/xxh3.h"
#include "mas/layout/leavers.h"

namespace mas::layout {

std::uint32_t partition_of(const Id128& extent, std::uint64_t stripe) {
  std::array<std::uint8_t, 24> bytes;
  std::memcpy(bytes.data(), extent.bytes.data(), extent.bytes.size());
  std::memcpy(bytes.data() + extent.bytes.size(), &stripe, sizeof(stripe));
  return static_cast<std::uint32_t>(xxh3_64(bytes) % kPartitions);
}

std::uint32_t partition_of(const Hash& hash) {
  return static_cast<std::uint32_t>(xxh3_64(hash.bytes) % kPartitions);
}

Profile profile_for(std::size_t members) {
  switch (members) {
    case 0:
    case 1:
      return {1, 0};
    case 2:
      return {1, 1};
    case 3:
      return {2, 1};
    case 4:
      return {2, 2};
    case 5:
      return {3, 2};
    default:
      return {4, 2};
  }
}

const std::vector<MemberIndex>& Layout::previous_row(std::uint32_t partition) const {
  static const std::vector<MemberIndex> kUnchanged;
  return previous.empty() ? kUnchanged : previous[partition];
}

std::vector<MemberIndex> Layout::holders(std::uint32_t partition, std::size_t position) const {
  std::vector<MemberIndex> found;
  for (const auto* one : {&row(partition), &previous_row(partition)}) {
    if (position >= one->size()) continue;
    MemberIndex member = (*one)[position];
    if (!contains(found, member)) found.push_back(member);
  }
  return found;
}

std::vector<MemberIndex> Layout::holders(std::uint32_t partition) const {
  std::vector<MemberIndex> found = row(partition);
  for (MemberIndex member : previous_row(partition)) {
    if (!contains(found, member)) found.push_back(member);
  }
  return found;
}

MemberIndex Layout::find(std::string_view slot) const {
  MemberIndex best = kNobody;
  auto rank = [this](MemberIndex member) {
    return layout::is_present(members[member]) ? 0 : static_cast<int>(members[member].state);
  };
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto member = static_cast<MemberIndex>(i);
    if (members[i].slot != slot) continue;
    if (best == kNobody || rank(member) < rank(best)) best = member;
  }
  return best;
}

std::vector<MemberIndex> sources(const Layout& layout) {
  std::vector<MemberIndex> found;
  for (std::size_t i = 0; i < layout.members.size(); ++i) {
    if (layout.members[i].state == MemberState::left) found.push_back(static_cast<MemberIndex>(i));
  }
  return found;
}

std::size_t Layout::active_count() const { return count_active(members); }

bool Layout::is_settled() const {
  auto fresh = [](const Member& member) { return member.fresh && layout::is_present(member); };
  return previous.empty() && std::none_of(members.begin(), members.end(), fresh);
}

Layout settled(const Layout& layout) {
  Layout result = layout;
  ++result.version;
  result.previous.clear();
  for (Member& member : result.members) {
    if (layout::is_present(member)) member.fresh = false;
  }
  drop_last_places(result);
  return result;
}

Layout taken_over(const Layout& layout, std::string_view slot, const Id128& incarnation) {
  Layout result = layout;
  MemberIndex index = result.find(slot);
  MAS_ASSERT(index != kNobody && layout::is_present(result.members[index]));
  ++result.version;
  Member before = result.members[index];
  before.state = MemberState::left;
  before.fresh = true;  // may_take_back
  result.members[index].incarnation = incarnation;
  result.members[index].fresh = true;
  const std::vector<MemberIndex> places = free_places(result);
  if (places.empty()) {
    result.members.push_back(std::move(before));
  } else {
    result.members[places.front()] = std::move(before);
  }
  return result;
}

Layout taken_back(const Layout& layout, MemberIndex source) {
  Layout result = layout;
  Member& back = result.members[source];
  const MemberIndex index = result.find(back.slot);
  MAS_ASSERT(may_take_back(back) && layout::is_present(result.members[index]));
  ++result.version;
  std::swap(back.incarnation, result.members[index].incarnation);
  result.members[index].fresh = true;
  return result;
}

Layout given_up(const Layout& layout, const std::vector<MemberIndex>& members) {
  Layout result = layout;
  ++result.version;
  for (MemberIndex member : members) {
    MAS_ASSERT(result.members[member].state == MemberState::left);
    result.members[member].state = layout::kGivenUp;
    result.members[member].fresh = false;
  }
  drop_last_places(result);
  return result;
}

}  // namespace mas::layout
