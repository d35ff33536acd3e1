#include "sim/life.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mas::sim {
namespace {

// More handlers than any process needs to come to its end.
constexpr std::uint64_t kDrainLimit = 2'000'000;

class LifeTimer final : public Timer {
 public:
  explicit LifeTimer(Life& life) : life_(life) {}

  Task<bool> wait(Duration d) override {
    if (life_.is_over() || d <= Duration(0)) {
      if (life_.is_over()) life_.skip(std::max(d, Duration(0)));
      co_await Life::step_aside();
      co_return true;
    }
    auto wait = life_.begin_wait();
    event_ = life_.world().after(d, [wait] { wait->settle(true); });
    current_ = wait;
    co_await life_.join(wait);
    co_return wait->came() || life_.is_over();
  }
  void cancel() override {
    auto wait = current_.lock();
    if (!wait) return;
    life_.world().cancel(event_);
    wait->settle(false);
  }

 private:
  Life& life_;
  EventId event_;
  std::weak_ptr<Wait> current_;
};

}  // namespace

Life::Life(World& world, std::string name)
    : world_(world), name_(std::move(name)), guard_(context_.get_executor()) {
  world_.attach(context_);
}

Life::~Life() {
  if (!is_over_) world_.detach(context_);
  *self_ = nullptr;
}

std::shared_ptr<Wait> Life::begin_wait() {
  auto wait = std::make_shared<Wait>(next_number_++);
  if (is_over_) {
    wait->settle(false);
  } else {
    waits_.emplace(wait->number_, wait);
  }
  return wait;
}

Task<void> Life::join(std::shared_ptr<Wait> wait) {
  co_await wait->over_.wait();
  waits_.erase(wait->number_);
}

Task<bool> Life::pause(Duration d) {
  auto wait = begin_wait();
  const EventId event = world_.after(d, [wait] { wait->settle(true); });
  co_await join(wait);
  world_.cancel(event);
  co_return wait->came();
}

Task<void> Life::step_aside() {
  const Executor home = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(home, boost::asio::use_awaitable);
}

void Life::work(PoolTask& task, Duration delay) {
  const std::uint64_t number = next_number_++;
  work_.emplace(number, &task);
  if (is_over_) return;
  world_.after(delay, [self = self_, number] {
    if (*self == nullptr || (*self)->is_over_) return;
    const auto found = (*self)->work_.find(number);
    PoolTask* due = found->second;
    (*self)->work_.erase(found);
    due->run();
  });
}

bool Life::run_work() {
  if (work_.empty()) return false;
  PoolTask* task = work_.begin()->second;
  work_.erase(work_.begin());
  task->run();
  return true;
}

std::uint64_t Life::at_end(std::function<void()> action) {
  const std::uint64_t number = next_number_++;
  at_end_.emplace(number, std::move(action));
  return number;
}

void Life::end() {
  world_.detach(context_);
  is_over_ = true;
  auto actions = std::move(at_end_);
  at_end_.clear();
  for (const auto& [number, action] : actions) action();
  auto waits = std::move(waits_);
  waits_.clear();
  for (const auto& [number, wait] : waits) wait->settle(false);
}

bool Life::drain(const bool& done) {
  // Loops whose waits return at once always have something to do: pools get their turn beside them.
  constexpr std::uint64_t kTurn = 8;
  for (std::uint64_t steps = 0; steps < kDrainLimit; ++steps) {
    const bool ran = context_.poll_one() > 0;
    const bool worked = (!ran || steps % kTurn == 0) && run_work();
    if (!ran && !worked) return done;
  }
  return false;
}

std::unique_ptr<Timer> LifeClock::make_timer(Executor /*executor*/) {
  return std::make_unique<LifeTimer>(life_);
}

bool LifePool::submit(PoolTask& task) {
  if (life_.is_over()) {
    life_.work(task, Duration(0));
    return true;
  }
  if (life_.working() >= limit_) return false;
  const Duration delay = life_.world().rand().between(Duration(1000), longest_);
  life_.work(task,
             Duration(static_cast<std::int64_t>(static_cast<double>(delay.count()) * slowness_)));
  return true;
}

}  // namespace mas::sim
