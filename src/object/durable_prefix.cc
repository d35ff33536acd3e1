#include "object/durable_prefix.h"

#include <algorithm>

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"

namespace mas::object {

DurablePrefix::DurablePrefix(Context& context, const Id128& upload)
    : context_(context), upload_(upload) {}

void DurablePrefix::start(Executor home) {
  home_ = home;
  timer_ = context_.deps.clock.make_timer(home);
  (void)spawn(home, gate_, keep_telling(), "durable prefix");
}

void DurablePrefix::stored(const meta::Extent& extent, std::uint64_t number) {
  // Without parity there is nothing to be repaired from.
  if (!home_ || extent.profile.m == 0) return;
  Growing& growing = extents_[extent.id];
  growing.ahead[number] = extent.length;
  const std::uint64_t before = growing.bytes;
  for (auto at = growing.ahead.begin(); at != growing.ahead.end() && at->first == growing.stripes;
       at = growing.ahead.erase(at)) {
    growing.bytes = at->second;
    ++growing.stripes;
  }
  untold_ += growing.bytes - before;
  if (untold_ >= context_.options.extent / kShare) tell();
}

void DurablePrefix::tell() {
  if (telling_ || over_ || untold_ == 0) return;
  telling_ = true;
  if (!spawn(*home_, gate_, tell_all(), "durable prefix")) telling_ = false;
}

Task<void> DurablePrefix::tell_all() {
  untold_ = 0;
  std::map<Id128, std::uint64_t> news;
  for (const auto& [id, growing] : extents_) {
    if (growing.bytes > growing.told) news[id] = growing.bytes;
  }
  for (const auto& [id, bytes] : news) {
    if (over_) break;
    auto telling = contain(context_.deps.meta.progress(upload_, id, bytes), "durable prefix");
    Result<void> told = co_await std::move(telling);
    if (told.has_error()) {
      log::debug("upload.progress_untold", {{"error", told.error()}});
      untold_ += 1;  // the timer tells it again
      continue;
    }
    extents_[id].told = bytes;
  }
  telling_ = false;
}

// On the executor of everything else here.
Task<void> DurablePrefix::keep_telling() {
  while (!over_) {
    const bool rang = co_await timer_->wait(kInterval);
    if (!rang || over_) co_return;
    tell();
  }
}

Task<void> DurablePrefix::close() {
  over_ = true;
  if (timer_) timer_->cancel();
  co_await gate_.close();
}

}  // namespace mas::object
