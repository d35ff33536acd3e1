#include "maintain/worker_loop.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "mas/observe/log.h"
#include "mas/runtime/contain.h"

namespace mas::maintain {
namespace {

constexpr Duration kFirstRetry = std::chrono::seconds(1);
constexpr Duration kLastRetry = std::chrono::minutes(5);
constexpr Duration kWhilePaused = std::chrono::hours(24);

Task<Result<Duration>> step_of(Worker& worker) { co_return co_await worker.step(); }

}  // namespace

WorkerLoop::WorkerLoop(std::unique_ptr<Worker> worker, Clock& clock, observe::Metrics& metrics)
    : worker_(std::move(worker)),
      name_(worker_->name()),
      clock_(clock),
      steps_(metrics.counter("mas_worker_steps_total", "Steps of background work.",
                             {{"worker", name_}})),
      errors_(metrics.counter("mas_worker_errors_total", "Steps of background work that failed.",
                              {{"worker", name_}})) {}

WorkerStatus WorkerLoop::status() const {
  WorkerStatus status;
  status.name = name_;
  {
    std::lock_guard lock(mutex_);
    status.paused = paused_;
    status.running = running_;
    status.last_error = last_error_;
    status.next_run = next_run_;
  }
  worker_->describe(status);
  return status;
}

void WorkerLoop::set_paused(bool paused) {
  std::lock_guard lock(mutex_);
  paused_ = paused;
  end_wait_locked();
}

bool WorkerLoop::wake() {
  std::lock_guard lock(mutex_);
  if (paused_) return false;
  end_wait_locked();
  return true;
}

void WorkerLoop::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  end_wait_locked();
}

void WorkerLoop::end_wait_locked() {
  if (!timer_) return;
  auto cancel = [timer = timer_] { timer->cancel(); };
  boost::asio::post(home_, cancel);
}

bool WorkerLoop::may_go_on() {
  std::lock_guard lock(mutex_);
  return !stopped_;
}

Task<void> WorkerLoop::run(Executor executor) {
  std::shared_ptr<Timer> timer = clock_.make_timer(executor);
  {
    std::lock_guard lock(mutex_);
    home_ = executor;
    timer_ = timer;
  }
  // A wait is cancelled on this thread, so none begins between a look at the flags and the cancel.
  while (may_go_on()) {
    Duration pause = co_await step();
    if (may_go_on()) co_await timer->wait(pause);
  }
}

Task<Duration> WorkerLoop::step() {
  {
    std::lock_guard lock(mutex_);
    if (paused_) {
      next_run_ = 0;
      co_return kWhilePaused;
    }
    running_ = true;
  }
  auto stepping = contain(step_of(*worker_), "worker step");
  Result<Duration> result = co_await std::move(stepping);
  steps_.add();
  std::lock_guard lock(mutex_);
  running_ = false;
  Duration pause = result.has_value() ? *result : after_error(result.error());
  if (result.has_value()) {
    errors_in_a_row_ = 0;
    last_error_.clear();
  }
  next_run_ = (clock_.wall() + pause).unix_seconds();
  co_return pause;
}

Duration WorkerLoop::after_error(const Error& error) {
  errors_.add();
  if (log::once_a_minute("worker " + name_)) {
    log::warn("background work failed", {{"worker", name_}, {"error", error}});
  }
  last_error_ = std::string(code_name(error.code())) + ": " + error.message();
  std::uint32_t doublings = std::min<std::uint32_t>(errors_in_a_row_++, 16);
  return std::min(kFirstRetry * (1 << doublings), kLastRetry);
}

}  // namespace mas::maintain
