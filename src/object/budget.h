// The memory of request bodies, shared out so that nobody who holds some waits for more.
//
// Six budgets out of config::Object::buffer_budget:
//   large  stripe buffers of uploads; taken only if free at that moment, never waited for. Whose
//          sender takes too long to fill one goes on with small ones
//   small  what each upload starts with, and goes on with when no large one is free: one that is
//          being filled, and those before it that are being stored (stripes_in_flight in all; more
//          than one only if free at that moment). Held until what has come is stored, or until
//          somebody waits for memory while it waits for its sender, which is never done without
//          offering it (ByteSource::ready): then what has come is stored as a short stripe, and the
//          rest waits unread until there is memory again. Waited for a bounded time, by requests
//          that hold nothing
//   read   units of downloads; held from reading until the client has taken them, or until somebody
//          waits for memory while they wait for their client: then they are dropped, and read again
//          when the client is ready. Waited for a bounded time, by requests that hold nothing
//   rebuild what a download works with while it makes a missing piece anew out of k others, beside
//          its share of `read`; until they have answered, which no client can delay. Waited for a
//          bounded time
//   late   what calls hold that nobody waits for any more; taken only if free at that moment
//   repair stripes being rebuilt; nobody else's, so that repair neither starves nor takes from
//          those who wait for an answer
// A client that is slow or silent therefore costs the others speed, never progress.
#pragma once

#include "mas/config/config.h"
#include "mas/core/bytes.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/sync.h"
#include "object/give_way.h"

namespace mas::object {

class Budget {
 public:
  // `gate` owns waits that were given up, on `background`; it is drained before this is destroyed.
  Budget(const config::Object& options, Clock& clock, Executor background, Gate& gate);

  // Plain bytes of a small buffer: 64 KiB, or a stripe where that is less.
  [[nodiscard]] std::uint32_t small_size() const noexcept { return small_size_; }

  [[nodiscard]] std::optional<Permit> try_large(std::uint64_t bytes);
  [[nodiscard]] std::optional<Permit> try_small(std::uint64_t bytes);
  [[nodiscard]] std::optional<Permit> try_read(std::uint64_t bytes);
  [[nodiscard]] std::optional<Permit> try_late(std::uint64_t bytes);
  // Errors: busy, if there is none within `patience`. For small() and read(), holders who
  // wait for their clients give way.
  Task<Result<Permit>> small(std::uint64_t bytes, Duration patience);
  Task<Result<Permit>> read(std::uint64_t bytes, Duration patience);
  Task<Result<Permit>> rebuild(std::uint64_t bytes, Duration patience);
  Task<Result<Permit>> repair(std::uint64_t bytes, Duration patience);

  // A buffer for `size` plain bytes with room for the padding of any profile; recycled where it is
  // a whole stripe.
  [[nodiscard]] Buffer buffer(std::size_t size);
  // Buffers of one unit, for what has to be decompressed.
  [[nodiscard]] BufferPool& units() noexcept { return unit_buffers_; }
  // Where downloads that wait for their clients offer what they hold of the read budget, and
  // uploads what they hold of the small one.
  [[nodiscard]] GiveWay& readers() noexcept { return readers_; }
  [[nodiscard]] GiveWay& senders() noexcept { return senders_; }

 private:
  // `holders`: who may give way; null: nobody.
  Task<Result<Permit>> acquire_within(Semaphore& semaphore, GiveWay* holders, std::uint64_t bytes,
                                      Duration patience);

  Clock& clock_;
  Executor background_;
  Gate& gate_;
  std::uint32_t small_size_;
  std::uint64_t stripe_;
  Semaphore large_;
  Semaphore small_;
  Semaphore read_;
  Semaphore rebuild_;
  Semaphore late_;
  Semaphore repair_;
  GiveWay readers_;
  GiveWay senders_;
  BufferPool stripe_buffers_;
  BufferPool unit_buffers_;
};

}  // namespace mas::object
