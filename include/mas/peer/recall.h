// Recall: how a caller takes back a call to another pod that it no longer waits for, so that a pod
// that hangs does not keep connections and memory for as long as a time-out.
#pragma once

#include <functional>
#include <mutex>

namespace mas::peer {

// One call's. Thread-safe; shared by the caller and the call.
class Recall {
 public:
  Recall() = default;
  Recall(const Recall&) = delete;
  Recall& operator=(const Recall&) = delete;

  // The caller's: the call ends soon, with an error if it had not ended anyway.
  void recall();
  [[nodiscard]] bool is_recalled() const;

  // The callee's: what ends the call; run once, within recall(), or at once if that came before. It
  // must be quick, and neither block nor call back. nullptr: nothing any more; it does not run
  // after this has returned.
  void when_recalled(std::function<void()> end);

 private:
  mutable std::mutex mutex_;
  bool recalled_ = false;
  std::function<void()> end_;
};

}  // namespace mas::peer
