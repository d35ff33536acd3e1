// A ledger with io threads of its own, called from the test's threads.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "mas/auth/redis_ledger.h"
#include "mas/runtime/rng.h"
#include "mas/runtime/sync.h"
#include "support/must.h"

namespace mas::test {

struct LedgerOptions {
  std::string url;
  std::string ca_file;
  Duration timeout = std::chrono::seconds(20);  // longer than any answer takes here
  std::uint32_t pool = 4;
  std::size_t io_threads = 2;
  Clock* clock = nullptr;         // of time-outs; null: the system's
  Clock* ledger_clock = nullptr;  // null: the server's
};

class LedgerRig {
 public:
  explicit LedgerRig(const LedgerOptions& options) : io_(options.io_threads) {
    config::Redis redis;
    redis.url = options.url;
    redis.ca_file = options.ca_file;
    redis.timeout = options.timeout;
    redis.pool = options.pool;
    Clock& clock = options.clock == nullptr ? *system_ : *options.clock;
    auth::RedisLedgerDependencies deps{io_, clock, *fs_, options.ledger_clock};
    ledger_ = must(auth::make_redis_ledger(redis, token_, deps));
    io_.start();
  }
  ~LedgerRig() {
    run_blocking(ledger_->close());
    run_blocking(calls_.close());
  }
  LedgerRig(const LedgerRig&) = delete;
  LedgerRig& operator=(const LedgerRig&) = delete;

  [[nodiscard]] auth::RedisLedger& ledger() { return *ledger_; }
  [[nodiscard]] Id128 new_token() { return rng_->id(); }
  WallTime now() { return must(run_blocking_for(ledger_->now())); }
  Result<auth::LedgerEntry> use(Id128 token, WallTime issued) {
    return run_blocking_for(ledger_->use(token, issued));
  }
  Code ping() { return code_of(run_blocking_for(ledger_->ping())); }

  // A ping that runs on the first io thread while the test goes on.
  std::future<Result<void>> start_ping() {
    auto promise = std::make_shared<std::promise<Result<void>>>();
    auto future = promise->get_future();
    REQUIRE(spawn(io_.executor(0), calls_, run_ping(*ledger_, promise), "test call"));
    return future;
  }
  // Waits until the first io thread has nothing to do at once.
  void settle() {
    for (int i = 0; i < 8; ++i) {
      auto passed = std::make_shared<std::promise<void>>();
      REQUIRE(spawn(io_.executor(0), calls_, pass(passed), "test turn"));
      passed->get_future().get();
    }
  }

 private:
  static Task<void> run_ping(auth::RedisLedger& ledger,
                             std::shared_ptr<std::promise<Result<void>>> promise) {
    Result<void> result = co_await ledger.ping();
    promise->set_value(std::move(result));
  }
  static Task<void> pass(std::shared_ptr<std::promise<void>> promise) {
    promise->set_value();
    co_return;
  }

  config::Token token_;
  std::unique_ptr<Clock> system_ = make_system_clock();
  std::unique_ptr<fs::Fs> fs_ = fs::make_real_fs();
  std::unique_ptr<Rng> rng_ = make_system_rng();
  IoThreads io_;
  Gate calls_;
  std::unique_ptr<auth::RedisLedger> ledger_;
};

}  // namespace mas::test
