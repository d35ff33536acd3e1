#include "mas/runtime/sync.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <vector>

#include "runtime/waiter.h"

namespace mas {

// ---- Event ----

struct Event::State {
  std::mutex mutex;
  bool set = false;
  std::vector<Waiter*> waiters;
};

Event::Event() : state_(std::make_shared<State>()) {}
Event::~Event() = default;

void Event::set() {
  // The shared state outlives this Event, which a resumed waiter may destroy.
  std::shared_ptr<State> state = state_;
  std::vector<Waiter*> waiters;
  {
    std::lock_guard lock(state->mutex);
    state->set = true;
    waiters.swap(state->waiters);
  }
  for (Waiter* waiter : waiters) waiter->resume();
}

void Event::reset() {
  std::lock_guard lock(state_->mutex);
  state_->set = false;
}

bool Event::is_set() const {
  std::lock_guard lock(state_->mutex);
  return state_->set;
}

Task<void> Event::wait() {
  Waiter waiter;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->set) co_return;
    state_->waiters.push_back(&waiter);
  }
  co_await waiter.wait();
}

// ---- Semaphore ----

struct Semaphore::State {
  struct Queued {
    Waiter* waiter;
    std::uint64_t units;
  };
  State(std::uint64_t units, std::size_t waiters)
      : total(units), available(units), max_waiters(waiters) {}

  mutable std::mutex mutex;
  std::uint64_t total;
  std::uint64_t available;
  std::size_t max_waiters;
  std::deque<Queued> queue;
};

Semaphore::Semaphore(std::uint64_t units, std::size_t max_waiters)
    : state_(std::make_unique<State>(units, max_waiters)) {}

Semaphore::~Semaphore() { MAS_ASSERT(state_->queue.empty()); }

Task<Result<Permit>> Semaphore::acquire(std::uint64_t units) {
  units = std::min(units, state_->total);
  Waiter waiter;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->queue.empty() && state_->available >= units) {
      state_->available -= units;
      co_return Permit(this, units);
    }
    if (state_->queue.size() >= state_->max_waiters) {
      co_return Error(Code::busy, "Too many requests wait for memory; try again shortly.");
    }
    state_->queue.push_back({&waiter, units});
  }
  co_await waiter.wait();  // release() has taken the units on this waiter's behalf
  co_return Permit(this, units);
}

std::optional<Permit> Semaphore::try_acquire(std::uint64_t units) {
  units = std::min(units, state_->total);
  std::lock_guard lock(state_->mutex);
  if (!state_->queue.empty() || state_->available < units) return std::nullopt;
  state_->available -= units;
  return Permit(this, units);
}

std::uint64_t Semaphore::available() const {
  std::lock_guard lock(state_->mutex);
  return state_->available;
}

void Semaphore::release(std::uint64_t units) {
  std::vector<Waiter*> ready;
  {
    std::lock_guard lock(state_->mutex);
    state_->available += units;
    while (!state_->queue.empty() && state_->queue.front().units <= state_->available) {
      state_->available -= state_->queue.front().units;
      ready.push_back(state_->queue.front().waiter);
      state_->queue.pop_front();
    }
  }
  for (Waiter* waiter : ready) waiter->resume();
}

Permit::Permit(Permit&& other) noexcept : owner_(other.owner_), units_(other.units_) {
  other.owner_ = nullptr;
  other.units_ = 0;
}

Permit& Permit::operator=(Permit&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(units_, other.units_);
  return *this;
}

Permit::~Permit() {
  if (owner_ != nullptr && units_ > 0) owner_->release(units_);
}

void Permit::shrink(std::uint64_t units) {
  if (owner_ == nullptr || units >= units_) return;
  owner_->release(units_ - units);
  units_ = units;
}

// ---- Gate ----

struct Gate::State {
  mutable std::mutex mutex;
  std::size_t inside = 0;
  bool closing = false;
  Event empty;
};

Gate::Gate() : state_(std::make_shared<State>()) {}

Gate::~Gate() { MAS_ASSERT(inside() == 0); }

std::optional<Gate::Pass> Gate::try_enter() {
  std::lock_guard lock(state_->mutex);
  if (state_->closing) return std::nullopt;
  ++state_->inside;
  return Pass(this);
}

void Gate::leave() {
  std::shared_ptr<State> state = state_;
  bool last = false;
  {
    std::lock_guard lock(state->mutex);
    --state->inside;
    last = state->closing && state->inside == 0;
  }
  if (last) state->empty.set();
}

Task<void> Gate::close() {
  std::shared_ptr<State> state = state_;
  bool empty = false;
  {
    std::lock_guard lock(state->mutex);
    state->closing = true;
    empty = state->inside == 0;
  }
  if (empty) state->empty.set();
  co_await state->empty.wait();
}

bool Gate::closing() const {
  std::lock_guard lock(state_->mutex);
  return state_->closing;
}

std::size_t Gate::inside() const {
  std::lock_guard lock(state_->mutex);
  return state_->inside;
}

Gate::Pass::~Pass() {
  if (gate_ != nullptr) gate_->leave();
}

}  // namespace mas
