#include "api/backend_health.h"

namespace mas::api {
namespace {

constexpr Duration kRemembered = std::chrono::seconds(1);

}  // namespace

Task<BackendHealth::Answers> BackendHealth::check() {
  Result<Permit> permit = co_await one_.acquire(1);
  if (permit.has_error()) co_return Answers{permit.error(), permit.error()};
  const bool is_known = asked_ && clock_.now() - *asked_ < kRemembered;
  if (is_known) co_return answers_;
  answers_.records = co_await meta_.ping();
  answers_.tokens = co_await ledger_.ping();
  asked_ = clock_.now();
  co_return answers_;
}

}  // namespace mas::api
