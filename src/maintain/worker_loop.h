// One worker's life under the scheduler: step, wait, step; a longer wait after an error; nothing
// while it is paused.
#pragma once

#include <memory>
#include <mutex>

#include "mas/maintain/scheduler.h"

namespace mas::maintain {

// Thread-safe but for run().
class WorkerLoop {
 public:
  WorkerLoop(std::unique_ptr<Worker> worker, Clock& clock, observe::Metrics& metrics);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] WorkerStatus status() const;
  void set_paused(bool paused);
  // Ends the wait for the next step. False, and nothing is done, if it is paused.
  bool wake();
  // Makes run() return after the step it is in.
  void stop();
  // Until stop(). Once, on `executor`.
  Task<void> run(Executor executor);

 private:
  // Ends the wait run() may be in, on its own thread.
  void end_wait_locked();
  // False when stopped.
  bool may_go_on();
  Task<Duration> step();
  Duration after_error(const Error& error);

  std::unique_ptr<Worker> worker_;
  std::string name_;
  Clock& clock_;
  observe::Counter& steps_;
  observe::Counter& errors_;

  mutable std::mutex mutex_;
  bool paused_ = false;
  bool stopped_ = false;
  bool running_ = false;
  std::uint32_t errors_in_a_row_ = 0;
  std::string last_error_;
  std::int64_t next_run_ = 0;
  Executor home_;
  std::shared_ptr<Timer> timer_;  // used on home_ only
};

}  // namespace mas::maintain
