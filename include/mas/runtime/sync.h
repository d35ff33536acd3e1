// Waiting in coroutines: a one-shot Event, a counting Semaphore, and a Gate that owns background
// work. All are thread-safe: waiters on different io threads resume each on its own executor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "mas/core/result.h"
#include "mas/runtime/task.h"

namespace mas {

// Set once; wakes everybody, now and later. reset() makes it unset again.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set();
  void reset();
  [[nodiscard]] bool is_set() const;
  Task<void> wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

class Semaphore;

// Units taken from a Semaphore; gives them back when destroyed. The Semaphore must outlive it.
class [[nodiscard]] Permit {
 public:
  Permit() = default;
  Permit(Permit&& other) noexcept;
  Permit& operator=(Permit&& other) noexcept;
  ~Permit();
  [[nodiscard]] std::uint64_t units() const noexcept { return units_; }
  // Gives back all but `units`.
  void shrink(std::uint64_t units);

 private:
  friend class Semaphore;
  Permit(Semaphore* owner, std::uint64_t units) : owner_(owner), units_(units) {}
  Semaphore* owner_ = nullptr;
  std::uint64_t units_ = 0;
};

// A budget (bytes, slots). Waiters are served first come, first served; at most `max_waiters` wait.
class Semaphore {
 public:
  explicit Semaphore(std::uint64_t units, std::size_t max_waiters = 100'000);
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // Waits for `units` (capped at the total). Errors: busy, if too many wait already.
  Task<Result<Permit>> acquire(std::uint64_t units);
  [[nodiscard]] std::optional<Permit> try_acquire(std::uint64_t units);
  [[nodiscard]] std::uint64_t available() const;

 private:
  friend class Permit;
  void release(std::uint64_t units);
  struct State;
  std::unique_ptr<State> state_;
};

// Counts work in flight, so that its owner can wait for it. After close() nothing enters.
class Gate {
 public:
  class [[nodiscard]] Pass {
   public:
    explicit Pass(Gate* gate) : gate_(gate) {}
    Pass(Pass&& other) noexcept : gate_(other.gate_) { other.gate_ = nullptr; }
    Pass& operator=(Pass&&) = delete;
    ~Pass();

   private:
    Gate* gate_;
  };

  Gate();
  ~Gate();  // asserts that nothing is inside
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // nullopt once closing.
  [[nodiscard]] std::optional<Pass> try_enter();
  // Lets nobody in any more, and resumes when the last has left. May be called more than once.
  Task<void> close();
  [[nodiscard]] bool closing() const;
  [[nodiscard]] std::size_t inside() const;

 private:
  void leave();
  struct State;
  std::shared_ptr<State> state_;
};

// Starts `task` on `executor` as work owned by `gate`. An exception that escapes it is logged with
// `name` and counted, never lost. False (and the task never starts) if the gate is closing.
bool spawn(const Executor& executor, Gate& gate, Task<void> task, std::string_view name);

}  // namespace mas
