#include "auth/redis/health.h"
#include "support/must.h"

using namespace mas;
using auth::redis::Health;

namespace {
const Error kUnavailable(Code::ledger_unavailable, "gone");
const Error kRefused(Code::ledger_refused, "no");
}  // namespace

TEST_CASE("a server is thought to be up until a call finds it down") {
  Health health;
  CHECK_FALSE(health.verdict().has_value());
  CHECK(health.went_down(health.era(), kUnavailable));
  CHECK(health.verdict()->code() == Code::ledger_unavailable);
}

TEST_CASE("only the first call to find it down brings news") {
  Health health;
  Health::Era era = health.era();
  CHECK(health.went_down(era, kUnavailable));
  CHECK_FALSE(health.went_down(era, kUnavailable));
  CHECK_FALSE(health.went_down(era, kRefused));
  CHECK(health.verdict()->code() == Code::ledger_unavailable);
}

TEST_CASE("a call from before the return proves nothing") {
  Health health;
  Health::Era before = health.era();
  CHECK(health.went_down(before, kUnavailable));
  health.came_back();
  CHECK_FALSE(health.verdict().has_value());
  CHECK_FALSE(health.went_down(before, kUnavailable));
  CHECK_FALSE(health.verdict().has_value());
  CHECK(health.went_down(health.era(), kUnavailable));
}

TEST_CASE("calls are told of the newest reason") {
  Health health;
  CHECK(health.went_down(health.era(), kUnavailable));
  health.still_down(kRefused);
  CHECK(health.verdict()->code() == Code::ledger_refused);
}
