#include <boost/asio/this_coro.hpp>
#include <utility>

#include "auth/claims_cache.h"
#include "auth/refusals.h"
#include "auth/running_uses.h"
#include "mas/auth/tokens.h"

namespace mas::auth {
namespace {

constexpr std::size_t kCachedTokens = 2048;
constexpr std::size_t kAddresses = 10'000;

// A place among the token's uses, given back when destroyed.
class Place final : public TokenUse {
 public:
  Place(std::shared_ptr<RunningUses> uses, std::shared_ptr<const Claims> claims)
      : uses_(std::move(uses)), claims_(std::move(claims)) {}
  ~Place() override { uses_->leave(claims_->id, accepted_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] const Claims& claims() const override { return *claims_; }
  // The ledger has taken the use.
  void accept(const Executor& executor) {
    accepted_ = true;
    uses_->extended(claims_->id, executor);
  }

 private:
  std::shared_ptr<RunningUses> uses_;
  std::shared_ptr<const Claims> claims_;
  bool accepted_ = false;
};

class TokenAuthority final : public Authority {
 public:
  TokenAuthority(const config::Token& options, Secrets secrets, TokenLedger& ledger, Clock& clock,
                 Rng& rng)
      : secrets_(std::move(secrets)),
        ledger_(ledger),
        rng_(rng),
        cache_(kCachedTokens),
        refusals_(options.refusals_per_second, kAddresses, clock),
        uses_(std::make_shared<RunningUses>(options, ledger, clock)) {}

  [[nodiscard]] bool is_system_token(std::string_view candidate) const override {
    return auth::is_system_token(secrets_, candidate);
  }

  Task<Result<std::string>> mint(Claims claims) override {
    if (secrets_.signing_keys.empty()) {
      co_return Error(Code::key, "There is no key to sign tokens with.");
    }
    MAS_CO_TRY(claims.issued_at, co_await ledger_.now());
    claims.id = rng_.id();
    std::string token = sign(claims, secrets_.signing_keys.front());
    // What this token says may come from a client; only what reads back the same goes out.
    if (verify(token, secrets_.signing_keys).has_error()) {
      co_return Error(Code::parameter_malformed,
                      "The name or session is too long for a token, or not UTF-8.");
    }
    co_return token;
  }

  Task<Result<std::unique_ptr<TokenUse>>> begin(std::string_view token, TokenType type) override {
    MAS_CO_TRY(auto claims, read(token));
    if (claims->type != type) {
      co_return Error(Code::token_wrong_type, type == TokenType::upload
                                                  ? "This call needs an upload token."
                                                  : "This call needs a download token.");
    }
    if (!uses_->enter(claims->id, claims->issued_at)) {
      co_return Error(Code::too_many_requests, "This token runs too many requests at once.");
    }
    auto place = std::make_unique<Place>(uses_, claims);
    MAS_CO_CHECK(co_await ledger_.use(claims->id, claims->issued_at));
    Executor executor = co_await boost::asio::this_coro::executor;
    place->accept(executor);
    co_return std::unique_ptr<TokenUse>(std::move(place));
  }

  bool count_refusal(std::string_view address) override { return refusals_.count(address); }
  Task<void> close() override { return uses_->close(); }

 private:
  Result<std::shared_ptr<const Claims>> read(std::string_view token) {
    if (auto known = cache_.find(token)) return known;
    MAS_TRY(Claims claims, verify(token, secrets_.signing_keys));
    auto shared = std::make_shared<const Claims>(std::move(claims));
    cache_.put(token, shared);
    return std::shared_ptr<const Claims>(std::move(shared));
  }

  Secrets secrets_;
  TokenLedger& ledger_;
  Rng& rng_;
  ClaimsCache cache_;
  Refusals refusals_;
  std::shared_ptr<RunningUses> uses_;
};

}  // namespace

std::unique_ptr<Authority> make_authority(const config::Token& options, Secrets secrets,
                                          TokenLedger& ledger, Clock& clock, Rng& rng) {
  return std::make_unique<TokenAuthority>(options, std::move(secrets), ledger, clock, rng);
}

}  // namespace mas::auth
