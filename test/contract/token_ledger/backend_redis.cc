// The ledger on the real server, but for its clock: the contract is exact to the microsecond, so
// time must stand still between calls. The script takes the time from a fake clock instead of the
// server's; all else is as in production. Redis's own clock is tested in
// test/contract/redis_ledger.
#include "backend.h"
#include "mas/auth/redis_ledger.h"
#include "support/fake_clock.h"
#include "support/must.h"
#include "support/server_facts.h"

namespace mas::test {
namespace {

class RedisBackend final : public LedgerBackend {
 public:
  explicit RedisBackend(const config::Token& token) {
    ServerFacts server("redis");
    config::Redis options;
    options.url = "redis://" + server.text("user") + ":" + server.text("password") +
                  "@127.0.0.1:" + std::to_string(server.number("port"));
    options.timeout = std::chrono::seconds(30);  // a loaded machine is no outage
    io_.start();
    auth::RedisLedgerDependencies deps{io_, *system_, *fs_, &clock_};
    ledger_ = must(auth::make_redis_ledger(options, token, deps));
  }
  ~RedisBackend() override { run_blocking(ledger_->close()); }
  auth::TokenLedger& ledger() override { return *ledger_; }
  void advance(Duration d) override { clock_.advance(d); }

 private:
  FakeClock clock_;
  std::unique_ptr<Clock> system_ = make_system_clock();
  std::unique_ptr<fs::Fs> fs_ = fs::make_real_fs();
  IoThreads io_{2};
  std::unique_ptr<auth::RedisLedger> ledger_;
};

}  // namespace

std::unique_ptr<LedgerBackend> make_backend(const config::Token& options) {
  return std::make_unique<RedisBackend>(options);
}

}  // namespace mas::test
