#include "app/client/status.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "app/client/client_command.h"

namespace mas::app {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(500);

class Status final : public ClientCommand {
 public:
  std::string name() const override { return "status"; }
  std::string summary() const override { return "Show pods, redundancy, workers and room"; }
  std::string details() const override {
    return "With --wait healthy: returns when every pod is up, the store writes, no stripe lacks "
           "a\n"
           "shard and the pod asked is ready; fails when --timeout passes first.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.choice("--wait", wait_, {"no", "healthy"}, "Wait until the cluster is like that");
    options.duration("--timeout", timeout_, "How long --wait waits");
  }

  Task<Result<int>> work(Context& context) override {
    if (wait_ == "healthy") MAS_CO_CHECK(co_await wait(context));
    auto client = context.connect();
    MAS_CO_TRY(auto status, co_await client->status());
    std::string text = context.json ? boost::json::serialize(status) + "\n" : status_text(status);
    context.surroundings.out << text << std::flush;
    co_return kExitOk;
  }

 private:
  Task<Result<void>> wait(Context& context) {
    Instant deadline = context.clock.now() + timeout_;
    for (;;) {
      std::string problem = co_await problem_now(context);
      if (problem.empty()) co_return Result<void>();
      if (context.clock.now() + kPause > deadline) {
        co_return Error(Code::timeout,
                        "not healthy within " + format_duration(timeout_) + ": " + problem);
      }
      co_await context.clock.sleep(kPause);
    }
  }

  // What is missing for a healthy cluster; "" for nothing.
  Task<std::string> problem_now(Context& context) {
    auto client = context.connect();
    auto ready = co_await client->ready();
    if (ready.has_error()) co_return ready.error().message();
    auto status = co_await client->status();
    if (status.has_error()) co_return status.error().message();
    co_return unhealthy_because(*status);
  }

  std::string wait_ = "no";
  Duration timeout_ = std::chrono::minutes(1);
};

}  // namespace

std::unique_ptr<Command> make_status() { return std::make_unique<Status>(); }

}  // namespace mas::app
