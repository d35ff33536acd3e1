#include <algorithm>

#include "layout/table.h"
#include "mas/core/result.h"

namespace mas::layout {
namespace {

// The member that serves `row` best at its next position: in the zone least used there, then the
// least loaded so far.
MemberIndex choose(std::uint32_t partition, const Row& row, const Load& load,
                   const Traits& traits) {
  MemberIndex best = kHole;
  std::size_t best_mates = 0;
  for (MemberIndex member = 0; member < traits.weight.size(); ++member) {
    if (!traits.active[member] || contains(row, member)) continue;
    std::size_t mates = zone_mates(row, row.size(), member, traits);
    bool better = best == kHole || mates < best_mates;
    if (!better && mates == best_mates) {
      better = load.less(member, best) ||
               (!load.less(best, member) &&
                scatter(partition, row.size(), member) < scatter(partition, row.size(), best));
    }
    if (better) {
      best = member;
      best_mates = mates;
    }
  }
  return best;
}

}  // namespace

Layout found(const Id128& cluster, std::vector<Member> members) {
  MAS_ASSERT(count_active(members) > 0 && members.size() < kHole);
  Layout layout;
  layout.version = 1;
  layout.cluster = cluster;
  layout.rows.resize(kPartitions);
  Traits traits(members);
  // Position by position over all rows, with one growing count: so the first entries alone are as
  // even as whole rows, which small objects' copies and narrow profiles need.
  Load load(traits);
  const std::size_t width = std::min(count_active(members), kMaxWidth);
  for (std::size_t position = 0; position < width; ++position) {
    for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
      Row& row = layout.rows[partition];
      MemberIndex member = choose(partition, row, load, traits);
      row.push_back(member);
      load.add(member);
    }
  }
  layout.members = std::move(members);
  return layout;
}

}  // namespace mas::layout
