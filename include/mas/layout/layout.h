// Who holds what: pure functions over the layout table. 4,096 partitions, each an ordered row of
// members.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mas/core/ids.h"
#include "mas/core/result.h"

namespace mas::layout {

inline constexpr std::uint32_t kPartitions = 4096;
inline constexpr std::size_t kMaxWidth = 16;

// Index into Layout::members.
using MemberIndex = std::uint16_t;

struct Member {
  std::string slot;   // stable name
  Id128 incarnation;  // of its data directory
  std::string zone;
  std::uint32_t weight = 1;
  friend bool operator==(const Member&, const Member&) = default;
};

// Immutable once published; swapped whole.
struct Layout {
  std::uint64_t version = 0;
  Id128 cluster;
  std::vector<Member> members;
  // rows[partition]: members in order; profile (k, m) uses the first k + m, position = shard
  // number.
  std::vector<std::vector<MemberIndex>> rows;

  [[nodiscard]] const std::vector<MemberIndex>& row(std::uint32_t partition) const {
    return rows[partition];
  }
};

// XXH3-64 of the extent id and stripe number, modulo kPartitions.
[[nodiscard]] std::uint32_t partition_of(const Id128& extent, std::uint64_t stripe);
// The row that holds an object's manifests.
[[nodiscard]] std::uint32_t partition_of(const Hash& hash);

// 1 -> 1+0, 2 -> 1+1, 3 -> 2+1, 4 -> 2+2, 5 -> 3+2, 6 and more -> 4+2.
[[nodiscard]] Profile profile_for(std::size_t members);

// A table for these members from nothing, version 1: rows as wide as min(members, kMaxWidth). Each
// row's first entries lie in as many zones as there are; within that, every position is spread
// evenly by weight (0 counts as 1), so any profile's load is even. The same arguments give the same
// table. `members` is not empty, its slots differ.
[[nodiscard]] Layout found(const Id128& cluster, std::vector<Member> members);

// The table after `previous` for these members (matched by slot; given whole, with their present
// incarnations, zones and weights), version + 1. Members that stay keep their positions and their
// order in Layout::members, newcomers come behind them. A newcomer takes its share of each
// position, from the most loaded and at most one a row; a leaver's positions go to the least loaded
// that are not in the row. A mere change of weight moves nothing.
[[nodiscard]] Layout next(const Layout& previous, const std::vector<Member>& members);

// Versioned binary form (doc/layout-format.md); corrupt on anything that is not one. What parse
// gives back is consistent: slots differ, every row has distinct members that exist.
[[nodiscard]] std::string serialise(const Layout& layout);
[[nodiscard]] Result<Layout> parse(std::string_view bytes);

}  // namespace mas::layout
