// When each token that was used ends: the rules of doc/http.md (Tokens) on a bounded table. Knows
// no clock and no lock; its owner gives both.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mas/config/config.h"
#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/runtime/clock.h"

namespace mas::auth {

class Lifetimes {
 public:
  // `capacity`: tokens known at once; a token past its end is forgotten soon.
  Lifetimes(const config::Token& options, std::size_t capacity)
      : options_(options), capacity_(capacity) {}

  // The new end. Errors: token_invalid (past its end or its longest life), ledger_refused (full).
  Result<WallTime> use(const Id128& token, WallTime issued_at, WallTime now);
  // The new end; never refuses, but a full table forgets what it cannot hold.
  WallTime renew(const Id128& token, WallTime issued_at, WallTime now);
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }

  // The table as bytes, ends not before `now`.
  [[nodiscard]] std::string save(WallTime now) const;
  // Adds what `bytes` hold. Errors: corrupt (nothing is added).
  Result<void> load(std::string_view bytes, WallTime now);

 private:
  struct Due {
    WallTime at;
    Id128 token;
    friend bool operator>(const Due& a, const Due& b) { return a.at > b.at; }
  };
  [[nodiscard]] WallTime end_of(const Id128& token, WallTime issued_at) const;
  // False if there is no room for one more.
  bool put(const Id128& token, WallTime end);
  // Forgets a few that are past their end: more than one call can add.
  void forget(WallTime now);

  config::Token options_;
  std::size_t capacity_;
  std::unordered_map<Id128, WallTime> ends_;
  // One entry a token, its end when it was pushed; looked at again then.
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

}  // namespace mas::auth
