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

// A table for these members from nothing: rows as wide as min(members, kMaxWidth), load even.
[[nodiscard]] Layout found(const Id128& cluster, std::vector<Member> members);

// Versioned binary form; corrupt on anything that is not one.
[[nodiscard]] std::string serialise(const Layout& layout);
[[nodiscard]] Result<Layout> parse(std::string_view bytes);

}  // namespace mas::layout
