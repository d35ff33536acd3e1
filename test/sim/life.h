// Life: one run of a simulated process, from its start to its crash or stop. It owns the executor
// its coroutines run on, and everything they can wait for: time, answers, pools.
//
// How a life ends. Coroutines cannot be torn out of the middle of what they wait for, so a crash
// moves the process out of the world instead: end() makes every wait return at once, every later
// one too, and nothing that is asked of the outside happens any more. The process then runs on with
// everything failing (drain()), until its owner can close and destroy it as any other. Nobody else
// sees any of that: what the world keeps of it is its disk as it was at the crash, and messages
// that were on their way already.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "mas/runtime/clock.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/sync.h"
#include "sim/world.h"

namespace mas::sim {

// What a coroutine waits for; settled once, by whoever comes first.
class Wait {
 public:
  explicit Wait(std::uint64_t number) : number_(number) {}
  // `came`: what was waited for, not the end of the life or of patience.
  void settle(bool came) {
    if (settled_) return;
    settled_ = true;
    came_ = came;
    over_.set();
  }
  [[nodiscard]] bool came() const noexcept { return came_; }

 private:
  friend class Life;
  const std::uint64_t number_;
  bool settled_ = false;
  bool came_ = false;
  Event over_;
};

class Life {
 public:
  Life(World& world, std::string name);
  // After drain(), or if nothing ever ran on it.
  ~Life();
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  [[nodiscard]] World& world() noexcept { return world_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Executor executor() { return context_.get_executor(); }
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }
  // Owns the requests that are being served.
  [[nodiscard]] Gate& serving() noexcept { return serving_; }

  [[nodiscard]] std::shared_ptr<Wait> begin_wait();
  // Resumes when `wait` is settled or the life is over.
  Task<void> join(std::shared_ptr<Wait> wait);
  // Resumes after `d`; false if the life ended before.
  Task<bool> pause(Duration d);
  // Comes back after other handlers of this life have had their turn.
  static Task<void> step_aside();

  // Blocking work: `task` runs after `delay`.
  void work(PoolTask& task, Duration delay);
  [[nodiscard]] std::size_t working() const noexcept { return work_.size(); }

  // Time as this life sees it. Past its end it flies: skip() is what a wait costs then.
  [[nodiscard]] Instant now() const { return world_.now() + skipped_; }
  void skip(Duration d) { skipped_ += d; }

  // Called at the end of the life, if it is not dropped before.
  std::uint64_t at_end(std::function<void()> action);
  void drop_at_end(std::uint64_t number) { at_end_.erase(number); }

  // Not from a handler of this life.
  void end();
  // Runs what is left until `done`; false if that never comes.
  bool drain(const bool& done);

 private:
  bool run_work();

  World& world_;
  std::string name_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  bool is_over_ = false;
  Duration skipped_{};
  std::uint64_t next_number_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Wait>> waits_;
  std::map<std::uint64_t, PoolTask*> work_;
  std::map<std::uint64_t, std::function<void()>> at_end_;
  // Tells events of the world that this is gone.
  std::shared_ptr<Life*> self_ = std::make_shared<Life*>(this);
  Gate serving_;
};

// The clock of a pod. `wall_offset` is how wrong its wall clock is; it outlives the life.
class LifeClock final : public Clock {
 public:
  // 2026-11-22 17:00:00 UTC
  static constexpr WallTime kStart{1'795'366'800'000'000};

  LifeClock(Life& life, const Duration& wall_offset)
      : life_(life), wall_offset_(wall_offset), born_(life.now()) {}
  [[nodiscard]] Instant now() const override { return {life_.now() - born_}; }
  [[nodiscard]] WallTime wall() const override {
    return kStart + life_.now().since_start + wall_offset_;
  }
  [[nodiscard]] std::unique_ptr<Timer> make_timer(Executor executor) override;

 private:
  Life& life_;
  const Duration& wall_offset_;
  Instant born_;
};

// Runs tasks on the one thread, each after a delay of its own, so in any order. `slowness`
// multiplies the delays.
class LifePool final : public Pool {
 public:
  LifePool(Life& life, Duration longest, std::size_t limit, const double& slowness)
      : life_(life), longest_(longest), limit_(limit), slowness_(slowness) {}
  bool submit(PoolTask& task) override;
  [[nodiscard]] std::size_t queued() const override { return life_.working(); }

 private:
  Life& life_;
  Duration longest_;
  std::size_t limit_;
  const double& slowness_;
};

}  // namespace mas::sim
