#include "object/budget.h"

#include <algorithm>
#include <memory>
#include <mutex>

#include "mas/layout/layout.h"
#include "object/timed_wait.h"

namespace mas::object {
namespace {

constexpr std::uint64_t kSmallBuffer = 64 * kKiB;
// Free stripe buffers that are kept: enough for one busy upload, little enough for an idle pod.
constexpr std::size_t kIdleStripes = 4;
constexpr std::size_t kIdleUnits = 16;
// Padding behind the plain bytes: encode() rounds up to k blocks, k being at most this.
constexpr std::size_t kPadding = layout::kMaxWidth * kBlockSize;

// A wait for a permit that its owner may give up.
struct Wait {
  std::shared_ptr<Event> over = std::make_shared<Event>();
  std::mutex mutex;
  bool abandoned = false;
  std::optional<Result<Permit>> outcome;
};

Task<void> wait_for(Semaphore& semaphore, std::uint64_t bytes, std::shared_ptr<Wait> wait) {
  Result<Permit> permit = co_await semaphore.acquire(bytes);
  {
    std::lock_guard lock(wait->mutex);
    // An abandoned permit goes back when `permit` leaves scope.
    if (!wait->abandoned) wait->outcome.emplace(std::move(permit));
  }
  wait->over->set();
}

Error out_of_memory() {
  return Error(Code::busy, "The server's memory for transfers is taken; try again shortly.");
}

}  // namespace

Budget::Budget(const config::Object& options, Clock& clock, Executor background, Gate& gate)
    : clock_(clock),
      background_(std::move(background)),
      gate_(gate),
      small_size_(static_cast<std::uint32_t>(std::min(kSmallBuffer, options.stripe))),
      stripe_(options.stripe),
      large_(options.buffer_budget / 16 * 6),
      small_(options.buffer_budget / 8),
      read_(options.buffer_budget / 16 * 5),
      rebuild_(options.buffer_budget / 16),
      late_(options.buffer_budget / 16),
      repair_(options.buffer_budget / 16),
      stripe_buffers_(options.stripe + kPadding, kIdleStripes),
      unit_buffers_(options.unit, kIdleUnits) {}

std::optional<Permit> Budget::try_large(std::uint64_t bytes) { return large_.try_acquire(bytes); }
std::optional<Permit> Budget::try_small(std::uint64_t bytes) { return small_.try_acquire(bytes); }
std::optional<Permit> Budget::try_read(std::uint64_t bytes) { return read_.try_acquire(bytes); }
std::optional<Permit> Budget::try_late(std::uint64_t bytes) { return late_.try_acquire(bytes); }

Task<Result<Permit>> Budget::small(std::uint64_t bytes, Duration patience) {
  return acquire_within(small_, &senders_, bytes, patience);
}
Task<Result<Permit>> Budget::read(std::uint64_t bytes, Duration patience) {
  return acquire_within(read_, &readers_, bytes, patience);
}
Task<Result<Permit>> Budget::rebuild(std::uint64_t bytes, Duration patience) {
  return acquire_within(rebuild_, nullptr, bytes, patience);
}
Task<Result<Permit>> Budget::repair(std::uint64_t bytes, Duration patience) {
  return acquire_within(repair_, nullptr, bytes, patience);
}

Buffer Budget::buffer(std::size_t size) {
  if (size > stripe_ / 2 && size <= stripe_) return stripe_buffers_.get();
  return Buffer::allocate(size + (size > kSmallBuffer ? kPadding : 0));
}

Task<Result<Permit>> Budget::acquire_within(Semaphore& semaphore, GiveWay* holders,
                                            std::uint64_t bytes, Duration patience) {
  if (auto permit = semaphore.try_acquire(bytes)) co_return std::move(*permit);
  std::optional<GiveWay::Need> need;
  if (holders != nullptr) need.emplace(holders->need(bytes));
  auto wait = std::make_shared<Wait>();
  if (!spawn(background_, gate_, wait_for(semaphore, bytes, wait), "wait for memory")) {
    co_return Error(Code::busy, "The server is stopping.");
  }
  co_await wait_at_most(clock_, wait->over, patience);
  std::lock_guard lock(wait->mutex);
  wait->abandoned = true;
  if (!wait->outcome) co_return out_of_memory();
  co_return std::move(*wait->outcome);
}

}  // namespace mas::object
