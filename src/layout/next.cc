#include <algorithm>
#include <map>

#include "layout/table.h"
#include "mas/core/result.h"

namespace mas::layout {
namespace {

// The table being made. Positions of leavers and those a row gains are holes until they are filled.
class Table {
 public:
  Table(const Layout& previous, const std::vector<Member>& members);

  // Gives `member` its share of every position.
  void bring_in(MemberIndex member);
  void fill_holes();

  [[nodiscard]] MemberIndex first_newcomer() const { return first_newcomer_; }
  [[nodiscard]] Layout finish(const Layout& previous) &&;

 private:
  void place(std::uint32_t partition, std::size_t position, MemberIndex member);
  void take(std::size_t position, MemberIndex member, std::uint64_t share);
  void fill(std::uint32_t partition, std::size_t position);
  [[nodiscard]] bool worse_for_zones(const Row& row, std::size_t position,
                                     MemberIndex member) const;

  MemberIndex first_newcomer_ = 0;  // before members_, whose making sets it
  std::vector<Member> members_;
  std::size_t width_ = 0;
  Traits traits_;
  std::vector<Row> rows_;
  std::vector<Load> load_;  // by position
};

// Those who stay in their old order, then the newcomers.
std::vector<Member> ordered(const Layout& previous, const std::vector<Member>& members,
                            MemberIndex& first_newcomer) {
  std::map<std::string, const Member*> left;
  for (const Member& member : members) left.emplace(member.slot, &member);
  MAS_ASSERT(left.size() == members.size());
  std::vector<Member> result;
  for (const Member& old : previous.members) {
    auto at = left.find(old.slot);
    if (at == left.end()) continue;
    result.push_back(*at->second);
    left.erase(at);
  }
  first_newcomer = static_cast<MemberIndex>(result.size());
  for (const Member& member : members) {
    if (left.contains(member.slot)) result.push_back(member);
  }
  return result;
}

Table::Table(const Layout& previous, const std::vector<Member>& members)
    : members_(ordered(previous, members, first_newcomer_)),
      width_(std::min(members_.size(), kMaxWidth)),
      traits_(members_),
      rows_(previous.rows),
      load_(kMaxWidth, Load(traits_)) {
  std::map<std::string, MemberIndex> index;
  for (MemberIndex i = 0; i < members_.size(); ++i) index.emplace(members_[i].slot, i);
  for (Row& row : rows_) {
    for (MemberIndex& entry : row) {
      auto at = index.find(previous.members[entry].slot);
      entry = at == index.end() ? kHole : at->second;
    }
    // A row that becomes narrower lists everybody: those at its end move into the holes.
    for (; row.size() > width_; row.pop_back()) {
      auto hole = std::find(row.begin(), row.end(), kHole);
      if (row.back() != kHole && hole != row.end()) *hole = row.back();
    }
    row.resize(width_, kHole);
    for (std::size_t i = 0; i < width_; ++i) {
      if (row[i] != kHole) load_[i].add(row[i]);
    }
  }
}

void Table::place(std::uint32_t partition, std::size_t position, MemberIndex member) {
  Row& row = rows_[partition];
  MemberIndex displaced = row[position];
  row[position] = member;
  load_[position].add(member);
  if (displaced == kHole) return;
  load_[position].remove(displaced);
  // A row that lists everybody keeps the displaced member, at the hole where it holds least so far.
  if (width_ < members_.size()) return;
  std::size_t best = width_;
  for (std::size_t i = 0; i < width_; ++i) {
    bool better = best == width_ || load_[i].rows(displaced) < load_[best].rows(displaced);
    if (row[i] == kHole && better) best = i;
  }
  if (best == width_) return;
  row[best] = displaced;
  load_[best].add(displaced);
}

bool Table::worse_for_zones(const Row& row, std::size_t position, MemberIndex member) const {
  if (row[position] == kHole) return false;
  // A pair in one zone weighs the more the earlier both are: first entries are in most profiles.
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i == position || row[i] == kHole) continue;
    std::uint64_t weight = std::uint64_t{1} << (3 * (kMaxWidth - std::max(i, position)));
    if (traits_.zone[row[i]] == traits_.zone[row[position]]) before += weight;
    if (traits_.zone[row[i]] == traits_.zone[member]) after += weight;
  }
  return after > before;
}

void Table::bring_in(MemberIndex member) {
  std::uint64_t share =
      (kPartitions * traits_.weight[member] + traits_.total_weight / 2) / traits_.total_weight;
  for (std::size_t position = 0; position < width_; ++position) take(position, member, share);
}

// Holes first, then from whoever has most at this position; among a member's rows those where the
// zones do not get worse, in scattered order.
void Table::take(std::size_t position, MemberIndex member, std::uint64_t share) {
  struct Candidate {
    bool worse;
    std::uint64_t order;
    std::uint32_t partition;
    auto operator<=>(const Candidate&) const = default;
  };
  std::vector<Candidate> holes;
  std::vector<std::vector<Candidate>> rows_of(members_.size());  // best last
  for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
    const Row& row = rows_[partition];
    if (contains(row, member)) continue;
    auto& list = row[position] == kHole ? holes : rows_of[row[position]];
    list.push_back(
        {worse_for_zones(row, position, member), scatter(partition, position, member), partition});
  }
  std::sort(holes.rbegin(), holes.rend());
  for (auto& list : rows_of) std::sort(list.rbegin(), list.rend());

  for (bool allow_worse : {false, true}) {
    while (share > 0) {
      std::vector<Candidate>* from = holes.empty() ? nullptr : &holes;
      MemberIndex richest = kHole;
      for (MemberIndex other = 0; from == nullptr && other < members_.size(); ++other) {
        bool can_give = !rows_of[other].empty() && (allow_worse || !rows_of[other].back().worse);
        if (can_give && (richest == kHole || load_[position].less(richest, other))) {
          richest = other;
        }
      }
      if (richest != kHole) from = &rows_of[richest];
      if (from == nullptr) break;
      place(from->back().partition, position, member);
      from->pop_back();
      --share;
    }
  }
}

void Table::fill_holes() {
  for (std::size_t position = 0; position < width_; ++position) {
    for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
      if (rows_[partition][position] == kHole) fill(partition, position);
    }
  }
}

void Table::fill(std::uint32_t partition, std::size_t position) {
  const Row& row = rows_[partition];
  MemberIndex best = kHole;
  std::size_t best_mates = 0;
  for (MemberIndex member = 0; member < members_.size(); ++member) {
    if (contains(row, member)) continue;
    std::size_t mates = zone_mates(row, position, member, traits_);
    bool better = best == kHole || mates < best_mates;
    if (!better && mates == best_mates) {
      better = load_[position].less(member, best) ||
               (!load_[position].less(best, member) &&
                scatter(partition, position, member) < scatter(partition, position, best));
    }
    if (better) {
      best = member;
      best_mates = mates;
    }
  }
  MAS_ASSERT(best != kHole);  // a row is never wider than there are members
  place(partition, position, best);
}

Layout Table::finish(const Layout& previous) && {
  Layout layout;
  layout.version = previous.version + 1;
  layout.cluster = previous.cluster;
  layout.members = std::move(members_);
  layout.rows = std::move(rows_);
  return layout;
}

}  // namespace

Layout next(const Layout& previous, const std::vector<Member>& members) {
  MAS_ASSERT(!members.empty() && members.size() < kHole);
  MAS_ASSERT(previous.rows.size() == kPartitions);
  Table table(previous, members);
  for (MemberIndex newcomer = table.first_newcomer(); newcomer < members.size(); ++newcomer) {
    table.bring_in(newcomer);
  }
  table.fill_holes();
  return std::move(table).finish(previous);
}

}  // namespace mas::layout
