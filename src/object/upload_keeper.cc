#include "object/upload_keeper.h"

#include <algorithm>

namespace mas::object {
namespace {

constexpr Duration kSoon = std::chrono::seconds(5);

}  // namespace

UploadKeeper::UploadKeeper(Context& context, const Id128& upload, const Executor& executor,
                           Duration first, Duration pause)
    : state_(std::make_shared<State>()) {
  state_->timer = context.deps.clock.make_timer(executor);
  // Where that is refused all is about to end.
  (void)spawn(executor, context.background, run(context, upload, state_, first, pause),
              "upload keeper");
}

UploadKeeper::UploadKeeper(Context& context, const Id128& upload, const Executor& executor)
    : UploadKeeper(context, upload, executor, std::min(kSoon, context.limits.session / 8),
                   context.limits.session / 8) {}

UploadKeeper::~UploadKeeper() {
  state_->over = true;
  state_->timer->cancel();
}

Task<void> UploadKeeper::run(Context& context, Id128 upload, std::shared_ptr<State> state,
                             Duration first, Duration pause) {
  Duration next = first;
  while (!state->over) {
    const bool rang = co_await state->timer->wait(next);
    if (!rang || state->over) co_return;
    next = pause;
    // An error changes nothing: the outcome is the work's own.
    Result<void> touched = co_await context.deps.meta.touch(upload, context.expiry());
    const bool gone = touched.has_error() && touched.error().code() == Code::upload_not_open;
    if (gone) state->gone = true;
  }
}

}  // namespace mas::object
