// Brings the stripes of bodies on their way to where a newer layout wants them, so that the pod can
// acknowledge it while clients go on sending, however slowly.
#pragma once

#include <atomic>

#include "mas/object/repair.h"
#include "object/context.h"

namespace mas::object {

class CarryOver {
 public:
  CarryOver(Context& context, Upkeep& upkeep) : context_(context), upkeep_(upkeep) {}

  // Whether every stripe that no record shows yet was stored, or found in place, under layout
  // `version` or a later one. If not, a round that sees to it begins in the background, unless one
  // is at work or ended a moment ago. To be asked when no write of an older version is at work, and
  // under `version`. On one thread.
  bool is_done(std::uint64_t version);

 private:
  Task<void> run(std::uint64_t version);
  Task<Result<void>> carry_all(std::uint64_t version);
  Task<bool> carry(const std::vector<StripeRef>& stripes, std::uint64_t version);

  Context& context_;
  Upkeep& upkeep_;
  std::atomic<bool> running_{false};
  std::atomic<Instant> ended_{Instant{}};
  std::uint64_t version_ = 0;  // of the round that began last
};

}  // namespace mas::object
