// Shows other pods that somebody is at work on an upload: touches it as long as this lives.
#pragma once

#include <memory>

#include "object/context.h"

namespace mas::object {

// Lives on one thread, that of `executor`.
class UploadKeeper {
 public:
  // Touches after `first`, then after every `pause`.
  UploadKeeper(Context& context, const Id128& upload, const Executor& executor, Duration first,
               Duration pause);
  // While a body arrives: soon, as the session may be near its end, and then well within its life.
  UploadKeeper(Context& context, const Id128& upload, const Executor& executor);
  ~UploadKeeper();
  UploadKeeper(const UploadKeeper&) = delete;
  UploadKeeper& operator=(const UploadKeeper&) = delete;

  // The upload was found gone: what is written for it is for nothing.
  [[nodiscard]] bool gone() const { return state_->gone; }

 private:
  struct State {
    std::unique_ptr<Timer> timer;
    bool over = false;
    bool gone = false;
  };
  static Task<void> run(Context& context, Id128 upload, std::shared_ptr<State> state,
                        Duration first, Duration pause);

  std::shared_ptr<State> state_;
};

}  // namespace mas::object
