#include <algorithm>
#include <map>

#include "layout/table.h"
#include "mas/core/result.h"
#include "mas/layout/leavers.h"

namespace mas::layout {
namespace {

// The table being made. Positions of leavers and those a row gains are holes until they are filled.
class Table {
 public:
  Table(const Layout& previous, const std::vector<Member>& members);

  // Gives `member` its share of every position.
  void bring_in(MemberIndex member);
  void fill_holes();

  // Active members that were not.
  [[nodiscard]] const std::vector<MemberIndex>& newcomers() const { return newcomers_; }
  [[nodiscard]] Layout finish(const Layout& previous) &&;

 private:
  void place(std::uint32_t partition, std::size_t position, MemberIndex member);
  void take(std::size_t position, MemberIndex member, std::uint64_t share);
  void fill(std::uint32_t partition, std::size_t position);
  [[nodiscard]] bool worse_for_zones(const Row& row, std::size_t position,
                                     MemberIndex member) const;

  std::vector<Member> members_;
  std::size_t active_ = 0;
  std::size_t width_ = 0;
  std::vector<MemberIndex> newcomers_;
  Traits traits_;
  Rows rows_;
  std::vector<Load> load_;  // by position
};

// Everybody at the index they had, or at one that is free, or behind.
std::vector<Member> arranged(const Layout& previous, const std::vector<Member>& members) {
  std::map<std::string, const Member*> given;
  for (const Member& member : members) {
    MAS_ASSERT(layout::is_present(member));
    given.emplace(member.slot, &member);
  }
  MAS_ASSERT(given.size() == members.size());
  std::vector<Member> result = previous.members;
  auto put = [&](Member& into, auto at) {
    into = *at->second;
    given.erase(at);
  };
  for (Member& member : result) {
    if (!layout::is_present(member)) continue;
    auto at = given.find(member.slot);
    const bool stays = at != given.end() && (member.state == MemberState::active ||
                                             at->second->incarnation == member.incarnation);
    if (stays) {
      put(member, at);
      continue;
    }
    member.state = MemberState::left;
    // From now on the slot collects nothing: no older directory of it may have it back, either.
    for (Member& older : result) {
      if (older.slot == member.slot && !layout::is_present(older)) older.fresh = false;
    }
  }
  // A slot that comes again takes its own place if it can.
  std::vector<MemberIndex> places = free_places(previous);
  for (MemberIndex place : places) {
    auto at = given.find(result[place].slot);
    if (at != given.end()) put(result[place], at);
  }
  std::erase_if(places, [&](MemberIndex place) { return layout::is_present(result[place]); });
  auto place = places.begin();
  for (const Member& member : members) {
    if (!given.contains(member.slot)) continue;
    if (place != places.end()) {
      result[*place++] = member;
    } else {
      result.push_back(member);
    }
  }
  return result;
}

bool was_active(const Layout& previous, const Member& member) {
  MemberIndex index = previous.find(member.slot);
  return index != kNobody && previous.members[index].state == MemberState::active;
}

Table::Table(const Layout& previous, const std::vector<Member>& members)
    : members_(arranged(previous, members)),
      active_(count_active(members_)),
      width_(std::min(active_, kMaxWidth)),
      traits_(members_),
      rows_(previous.rows),
      load_(kMaxWidth, Load(traits_)) {
  for (MemberIndex i = 0; i < members_.size(); ++i) {
    if (traits_.active[i] && !was_active(previous, members_[i])) newcomers_.push_back(i);
  }
  for (std::size_t partition = 0; partition < rows_.size(); ++partition) {
    Row& row = rows_[partition];
    for (MemberIndex& entry : row) {
      if (!traits_.active[entry]) entry = kHole;
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
  if (width_ < active_) return;
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
    if (!traits_.active[member] || contains(row, member)) continue;
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
  MAS_ASSERT(best != kHole);  // a row is never wider than there are active members
  place(partition, position, best);
}

Layout Table::finish(const Layout& previous) && {
  Layout layout;
  layout.version = previous.version + 1;
  layout.cluster = previous.cluster;
  layout.members = std::move(members_);
  layout.rows = std::move(rows_);
  layout.previous.resize(kPartitions);
  bool any = false;
  for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
    const Row& kept = previous.previous_row(partition);
    const Row& before = kept.empty() ? previous.rows[partition] : kept;
    if (before == layout.rows[partition]) continue;
    layout.previous[partition] = before;
    any = true;
  }
  if (!any) layout.previous.clear();
  drop_last_places(layout);
  return layout;
}

}  // namespace

Layout next(const Layout& previous, const std::vector<Member>& members) {
  MAS_ASSERT(count_active(members) > 0 && members.size() < kHole);
  MAS_ASSERT(previous.rows.size() == kPartitions);
  Table table(previous, members);
  for (MemberIndex newcomer : table.newcomers()) table.bring_in(newcomer);
  table.fill_holes();
  return std::move(table).finish(previous);
}

}  // namespace mas::layout
