// Tokens that were verified, so that a token used again costs a look-up instead of a signature and
// a parse. Only the full text of a token whose signature was right is ever in it; whether the token
// is still good is the ledger's to say, each time.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mas/auth/tokens.h"

namespace mas::auth {

// Thread-safe. Holds between `generation` and twice as many tokens, the last used ones.
class ClaimsCache {
 public:
  explicit ClaimsCache(std::size_t generation) : generation_(generation) {}

  [[nodiscard]] std::shared_ptr<const Claims> find(std::string_view token) {
    std::lock_guard lock(mutex_);
    if (auto it = young_.find(token); it != young_.end()) return it->second;
    auto it = old_.find(token);
    if (it == old_.end()) return nullptr;
    auto claims = it->second;
    insert(std::string(token), claims);
    return claims;
  }
  void put(std::string_view token, std::shared_ptr<const Claims> claims) {
    std::lock_guard lock(mutex_);
    insert(std::string(token), std::move(claims));
  }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  using Map =
      std::unordered_map<std::string, std::shared_ptr<const Claims>, TextHash, std::equal_to<>>;

  void insert(std::string token, std::shared_ptr<const Claims> claims) {
    if (young_.size() >= generation_) {
      old_ = std::move(young_);
      young_.clear();
    }
    young_.insert_or_assign(std::move(token), std::move(claims));
  }

  std::size_t generation_;
  std::mutex mutex_;
  Map young_;
  Map old_;
};

}  // namespace mas::auth
