#include "object/carry_over.h"

#include <algorithm>
#include <span>

#include "mas/object/settling.h"
#include "mas/runtime/contain.h"

namespace mas::object {
namespace {

// From a round that left something behind to the next one under the same layout.
constexpr Duration kPause = std::chrono::seconds(5);

}  // namespace

bool CarryOver::is_done(std::uint64_t version) {
  if (context_.unrecorded.behind(version).empty()) return true;
  if (running_) return false;
  const bool just_ended = version_ == version && context_.deps.clock.now() - ended_.load() < kPause;
  if (just_ended) return false;
  version_ = version;
  running_ = true;
  if (!spawn(context_.deps.background, context_.background, run(version), "carry over")) {
    running_ = false;
  }
  return false;
}

Task<void> CarryOver::run(std::uint64_t version) {
  auto carrying = contain(carry_all(version), "carry over");
  // What was left behind is seen by the next round.
  (void)co_await std::move(carrying);
  ended_ = context_.deps.clock.now();
  running_ = false;
}

Task<Result<void>> CarryOver::carry_all(std::uint64_t version) {
  for (const auto& body : context_.unrecorded.behind(version)) {
    // One that ends meanwhile is in a record, or given up: both are fine.
    for (;;) {
      const std::vector<StripeRef> stripes = body->behind(version);
      if (stripes.empty()) break;
      const bool carried = co_await carry(stripes, version);
      if (!carried) break;
      body->found_in_place(stripes.front().extent.id, version);
    }
  }
  co_return Result<void>();
}

// Whether all of them are in place. Stripes of rows that do not change are looked at as well: this
// pod may have missed layouts that changed them and are settled by now. Nobody waits for these.
Task<bool> CarryOver::carry(const std::vector<StripeRef>& stripes, std::uint64_t version) {
  bool all = true;
  for (std::size_t at = 0; at < stripes.size(); at += kMostInspected) {
    const auto view = context_.deps.view.current();
    if (view->layout.version != version || context_.background.closing()) co_return false;
    const std::size_t count = std::min(kMostInspected, stripes.size() - at);
    const auto first = stripes.begin() + static_cast<std::ptrdiff_t>(at);
    std::vector<StripeRef> batch(first, first + static_cast<std::ptrdiff_t>(count));
    const std::vector<Standing> standings = co_await upkeep_.inspect(batch);
    for (std::size_t i = 0; i < standings.size(); ++i) {
      const std::uint32_t partition = layout::partition_of(batch[i].extent.id, batch[i].number);
      if (is_in_place(standings[i], view->layout, partition)) continue;
      std::uint64_t bytes = 0;
      const bool settled = co_await settle_stripe(upkeep_, view, batch[i], bytes);
      all = all && (settled || !is_settling(view->layout, partition));
    }
  }
  co_return all;
}

}  // namespace mas::object
