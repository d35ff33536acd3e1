// StoreBase: how the adapter's calls run. Each is an operation tried on the driver pool, again
// after a pause while others are in its way, up to the call's deadline.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "mas/meta/mongo.h"
#include "meta/mongo/attempt.h"
#include "meta/mongo/breaker.h"
#include "meta/mongo/generation_source.h"
#include "meta/mongo/tried.h"
#include "meta/pool_call.h"

namespace mas::meta::mongo {

class StoreBase : public MetaStore {
 protected:
  StoreBase(const config::Meta& options, Pool& driver, Clock& clock, Rng& rng,
            observe::Metrics& metrics)
      : driver_(driver),
        clock_(clock),
        rng_(rng),
        breaker_(driver, metrics),
        waiting_{clock, options.deadline, {}} {}

  // `op` is R(Attempt&): an operation that changes nothing.
  template <class R, class F>
  Task<R> read(F op) {
    auto once = [this, op = std::move(op)]() -> Tried<R> {
      Attempt now(*documents_, *intents_, Purpose::read);
      R answer = op(now);
      if (now.blocked()) return Tried<R>::again();
      return answer;
    };
    return run<R>(std::move(once));
  }

  // `op` is R(Attempt&, Transaction&): its changes are made if it succeeds.
  template <class R, class F>
  Task<R> write(F op) {
    auto once = [this, op = std::move(op)]() -> Tried<R> {
      Attempt now(*documents_, *intents_, Purpose::write);
      Transaction tx = Transaction::on(now);
      R answer = op(now, tx);
      if (now.blocked()) return Tried<R>::again();
      if (now.failed()) return answer;
      auto carried = answer.has_value() ? now.commit(tx.changes()) : now.confirm();
      if (carried.has_error()) return carried.error();
      if (*carried == Carried::again) return Tried<R>::again();
      return answer;
    };
    return run<R>(std::move(once));
  }

  // `once` is Tried<R>(), on the driver pool.
  template <class R, class F>
  Task<R> run(F once) {
    auto pass = callers_.try_enter();
    if (!pass) {
      co_return Error(Code::metadata_unavailable,
                      "The metadata store is closed; try again shortly.");
    }
    Instant until = clock_.now() + waiting_.deadline;
    Tried<R> tried = Tried<R>::again();
    for (int round = 0; tried.retry; ++round) {
      if (round > 0) {
        auto pause = clock_.sleep(pause_before(round));
        co_await std::move(pause);
      }
      Duration left = until - clock_.now();
      if (left <= Duration(0)) break;
      auto attempt = try_once<R>(once, left);
      tried = co_await std::move(attempt);
    }
    co_return std::move(tried.answer);
  }

  Pool& driver_;
  Clock& clock_;
  Rng& rng_;
  Breaker breaker_;
  std::unique_ptr<Documents> documents_;
  std::unique_ptr<Intents> intents_;
  Gate callers_;
  Gate running_;
  Waiting waiting_;

 private:
  template <class R, class F>
  Task<Tried<R>> try_once(F once, Duration left) {
    if (breaker_.open()) co_return Breaker::refusal();
    auto inside = running_.try_enter();
    if (!inside) co_return Breaker::refusal();
    using OneCall = PoolCall<Tried<R>, F>;
    auto call = std::make_shared<OneCall>(std::move(once));
    if (!OneCall::submit(call, std::move(*inside), driver_)) {
      co_return Error(Code::busy, "The server has too much queued work; try again shortly.");
    }
    auto answer = Call<Tried<R>>::wait(std::move(call), waiting_, left);
    co_return co_await std::move(answer);
  }

  // Random, so that two who met do not meet again.
  Duration pause_before(int round) {
    std::uint64_t most = std::uint64_t{2} << std::min(round, 4);  // milliseconds
    return std::chrono::microseconds(rng_.u64() % (most * 1000) + 500);
  }
};

}  // namespace mas::meta::mongo
