// Who holds what: pure functions over the layout table. 4,096 partitions, each an ordered row of
// members.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/layout/rows.h"

namespace mas::layout {

inline constexpr std::uint32_t kPartitions = 4096;
inline constexpr std::size_t kMaxWidth = 16;

// No member.
inline constexpr MemberIndex kNobody = 0xffff;

enum class MemberState : std::uint8_t {
  active = 1,    // in rows
  draining = 2,  // alive, but in no row any more: at most a previous holder. Stays listed.
  left = 3,      // no member any more, but what it holds may still be needed (leavers.h). Keeps
                 // its index until it is given up
};

struct Member {
  std::string slot;   // stable name
  Id128 incarnation;  // of its data directory
  std::string zone;
  std::uint32_t weight = 1;
  MemberState state = MemberState::active;
  // Its directory began empty when it took over the slot, or lacks what was stored while another
  // had it, and what belongs there is not known to be rebuilt. Of one that left: see may_take_back.
  bool fresh = false;
  friend bool operator==(const Member&, const Member&) = default;
};

// Immutable once published; swapped whole.
struct Layout {
  std::uint64_t version = 0;
  Id128 cluster;
  std::vector<Member> members;
  // rows[partition]: members in order; profile (k, m) uses the first k + m, position = shard
  // number.
  // Names active members only.
  Rows rows;
  // Beside each row that changes, what it was when every shard was last known to be in place; empty
  // where nothing changed. Empty as a whole where no row changes. May name members of any state.
  Rows previous;

  [[nodiscard]] const std::vector<MemberIndex>& row(std::uint32_t partition) const {
    return rows[partition];
  }
  [[nodiscard]] const std::vector<MemberIndex>& previous_row(std::uint32_t partition) const;
  // Where shard `position` of a stripe is to be looked for, in this order: its holder and, while
  // the row changes, its previous holder, if that is another.
  [[nodiscard]] std::vector<MemberIndex> holders(std::uint32_t partition,
                                                 std::size_t position) const;
  // Everybody in the row, then everybody else in the previous one.
  [[nodiscard]] std::vector<MemberIndex> holders(std::uint32_t partition) const;
  // By slot, of whatever state; kNobody if there is none.
  [[nodiscard]] MemberIndex find(std::string_view slot) const;
  // Members that rows may name: what a profile goes by.
  [[nodiscard]] std::size_t active_count() const;
  // Whether no row changes and nobody who is present is fresh.
  [[nodiscard]] bool is_settled() const;
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
// incarnations, zones, weights and states, none of them `left`, at least one active), version + 1.
// Members that stay keep their positions and their index; newcomers take the places of those that
// were given up and that no row names any more, else come behind. A newcomer takes its share of
// each position, from the most loaded and at most one a row; a leaver's positions go to the least
// loaded that are not in the row. A mere change of weight moves nothing. Previous rows: a row that
// changes gets the row it was beside it; one that has previous holders already keeps these, as that
// is where its shards were last known to be. A row that is again what it was before loses them. A
// member that leaves stays in all previous rows, and listed as a source: it may come back with what
// it holds. So does one that is draining when its slot comes back with another data directory.
[[nodiscard]] Layout next(const Layout& previous, const std::vector<Member>& members);

// The same table when every shard is known to be in place: no previous rows, nobody
// present fresh, version + 1.
[[nodiscard]] Layout settled(const Layout& layout);

// The same table with a new, empty incarnation in `slot` (which is there and has not left), marked
// fresh; the old one is listed as a source besides. Version + 1. Moves no row.
[[nodiscard]] Layout taken_over(const Layout& layout, std::string_view slot,
                                const Id128& incarnation);

// Versioned binary form (doc/layout-format.md); corrupt on anything that is not one. What parse
// gives back is consistent: slots of those who are present differ; every row is as wide as it must
// be and has distinct active members; previous rows have distinct members and differ from their
// rows. Documents of all earlier format versions are read.
[[nodiscard]] std::string serialise(const Layout& layout);
[[nodiscard]] Result<Layout> parse(std::string_view bytes);

}  // namespace mas::layout
