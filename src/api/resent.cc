#include "api/resent.h"

#include <algorithm>

#include "mas/core/units.h"

namespace mas::api {
namespace {

constexpr std::uint64_t kTimes = 3;

// At least one largest part, so that it can be sent again after it was refused.
std::uint64_t bound_of(const Call& call) {
  const config::Limits& limits = call.services.config.limits;
  const std::optional<std::uint64_t> max_size = call.claims().max_size;
  if (!max_size) return std::max(limits.resent, limits.part);
  return *max_size > UINT64_MAX / kTimes ? UINT64_MAX : *max_size * kTimes;
}

}  // namespace

TokenAndHash sender_of(const Call& call) { return {call.claims().id, call.claims().hash}; }

std::optional<Reply> refuse_resent(const Call& call) {
  const std::uint64_t bound = bound_of(call);
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

void note_failed(const Call& call, std::uint64_t sent, const Error& error) {
  const config::Object& object = call.services.config.object;
  const int status = http_status(error.code());
  std::uint64_t excused = 0;
  // This pod's own trouble, or its cluster's: whoever tries again meanwhile loses each time what is
  // in flight, and is not to be kept out for it afterwards.
  if (status == 503 || status == 507) excused = object.stripe * object.stripes_in_flight;
  const std::uint64_t bytes = sent - std::min(sent, excused);
  call.services.abandoned.add(sender_of(call), bytes, call.services.deps.clock.now());
}

std::function<void(const std::vector<object::SentInVain>&)> count_in_vain(const Call& call) {
  return [book = call.services.abandoned.shared_from_this(), hash = call.claims().hash,
          &clock = call.services.deps.clock](const std::vector<object::SentInVain>& sent) {
    for (const object::SentInVain& one : sent) {
      book->add({one.sender, hash}, one.bytes, clock.now());
    }
  };
}

}  // namespace mas::api
