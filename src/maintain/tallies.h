// The ledger's numbers while a walk is under way.
#pragma once

#include <cstdint>
#include <map>

#include "mas/maintain/ledger.h"
#include "mas/object/repair.h"

namespace mas::maintain {

class Tallies {
 public:
  void add(const object::Standing& standing, std::uint64_t bytes) { count(standing, 1, bytes); }
  void remove(const object::Standing& standing, std::uint64_t bytes) {
    count(standing, UINT64_MAX, 0 - bytes);
  }
  void clear() {
    rows_.clear();
    spares_.clear();
  }

  // The rows, and the worst stripe.
  [[nodiscard]] LedgerPicture picture() const {
    LedgerPicture picture;
    for (const auto& [lost, row] : rows_) {
      if (row.stripes > 0) picture.rows.push_back(row);
    }
    for (const auto& [spare, stripes] : spares_) {
      if (stripes == 0) continue;
      if (!picture.survives) picture.survives = spare;
      if (spare < 0) picture.beyond_repair += stripes;
    }
    return picture;
  }

 private:
  // Unsigned numbers wrap: adding -1 takes one away.
  void count(const object::Standing& standing, std::uint64_t stripes, std::uint64_t bytes) {
    LedgerRow& row = rows_[standing.lost()];
    row.lost = standing.lost();
    row.stripes += stripes;
    row.bytes += bytes;
    spares_[standing.spare()] += stripes;
  }

  std::map<int, LedgerRow> rows_;        // by lost shards
  std::map<int, std::uint64_t> spares_;  // stripes by shards they can still lose
};

}  // namespace mas::maintain
