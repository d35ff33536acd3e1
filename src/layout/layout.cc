#include "mas/layout/layout.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "layout/table.h"
#include "mas/core/result.h"
#include "mas/core/xxh3.h"

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
  auto named = [slot](const Member& member) { return member.slot == slot; };
  auto at = std::find_if(members.begin(), members.end(), named);
  return at == members.end() ? kNobody : static_cast<MemberIndex>(at - members.begin());
}

std::size_t Layout::active_count() const { return count_active(members); }

bool Layout::is_settled() const {
  auto fresh = [](const Member& member) { return member.fresh; };
  return previous.empty() && std::none_of(members.begin(), members.end(), fresh);
}

Layout settled(const Layout& layout) {
  Layout result = layout;
  ++result.version;
  result.previous.clear();
  for (Member& member : result.members) member.fresh = false;
  drop_last_places(result);
  return result;
}

Layout taken_over(const Layout& layout, std::string_view slot, const Id128& incarnation) {
  Layout result = layout;
  MemberIndex index = result.find(slot);
  MAS_ASSERT(index != kNobody && result.members[index].state != MemberState::left);
  ++result.version;
  result.members[index].incarnation = incarnation;
  result.members[index].fresh = true;
  return result;
}

}  // namespace mas::layout
