#include "api/resent.h"

#include "mas/core/units.h"

namespace mas::api {
namespace {

constexpr std::uint64_t kTimes = 3;

}  // namespace

TokenAndHash sender_of(const Call& call) { return {call.claims().id, call.claims().hash}; }

std::optional<Reply> refuse_resent(const Call& call) {
  const std::uint64_t once = call.claims().max_size.value_or(call.services.config.limits.part);
  const std::uint64_t bound = once > UINT64_MAX / kTimes ? UINT64_MAX : once * kTimes;
  AbandonedBook& book = call.services.abandoned;
  const Duration wait = book.wait(sender_of(call), bound, call.services.deps.clock.now());
  if (wait == Duration::zero()) return std::nullopt;
  Reply reply = failure(Error(Code::too_many_requests,
                              "With this token more than " + describe_size(bound) +
                                  " were sent that were not kept: parts that were sent again, and "
                                  "uploads that failed or were dropped. Try again later."));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  reply.headers.set("Retry-After", std::to_string(seconds));
  return reply;
}

}  // namespace mas::api
