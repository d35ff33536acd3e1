// What found() and next() share: rows with holes, how loaded each member is at each position, and
// an order without pattern.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "mas/layout/layout.h"

namespace mas::layout {

using Row = std::vector<MemberIndex>;

// An entry of a row that nobody holds yet.
inline constexpr MemberIndex kHole = std::numeric_limits<MemberIndex>::max();

// A fixed shuffling of (row, position, member): breaks ties, so that the same members do not share
// all their rows.
[[nodiscard]] constexpr std::uint64_t scatter(std::uint64_t row, std::uint64_t position,
                                              std::uint64_t member) {
  std::uint64_t x = (row << 32 | position << 16 | member) + 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

[[nodiscard]] bool contains(const Row& row, MemberIndex member);

[[nodiscard]] std::size_t count_active(const std::vector<Member>& members);

// Which members a row or previous row of `layout` names.
[[nodiscard]] std::vector<bool> named_in_rows(const Layout& layout);

// Places of members that were given up and that no row names any more.
[[nodiscard]] std::vector<MemberIndex> free_places(const Layout& layout);

// Takes away the last members, as far as they were given up and no row names them. Those before
// stay as places for newcomers: indices do not change.
void drop_last_places(Layout& layout);

// The members' zones as small numbers, and weights of at least 1.
struct Traits {
  explicit Traits(const std::vector<Member>& members);
  std::vector<std::uint32_t> zone;
  std::vector<std::uint64_t> weight;
  std::vector<bool> active;        // may be in rows
  std::uint64_t total_weight = 0;  // of the active ones
};

// How many of the entries before `position` lie in the zone of `member`.
[[nodiscard]] std::size_t zone_mates(const Row& row, std::size_t position, MemberIndex member,
                                     const Traits& traits);

// Rows each member holds at one position, compared by weight.
class Load {
 public:
  explicit Load(const Traits& traits) : traits_(&traits), rows_(traits.weight.size(), 0) {}
  void add(MemberIndex member) { ++rows_[member]; }
  void remove(MemberIndex member) { --rows_[member]; }
  [[nodiscard]] std::uint64_t rows(MemberIndex member) const { return rows_[member]; }
  // Whether `a` holds less than `b` for its weight.
  [[nodiscard]] bool less(MemberIndex a, MemberIndex b) const {
    return rows_[a] * traits_->weight[b] < rows_[b] * traits_->weight[a];
  }

 private:
  const Traits* traits_;
  std::vector<std::uint64_t> rows_;
};

}  // namespace mas::layout
