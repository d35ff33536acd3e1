// mas worker.
#include <boost/json/serialize.hpp>
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/json_values.h"
#include "app/client/simple_commands.h"

namespace mas::app {
namespace {

class Worker final : public ClientCommand {
 public:
  std::string name() const override { return "worker"; }
  std::string summary() const override { return "Pause or resume a background worker of a pod"; }
  std::string details() const override {
    return "Only of the pod asked, and until it is started again. mas status lists the workers.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.argument_choice("DO", what_, {"pause", "resume"}, "What to do");
    options.argument("WORKER", worker_, "Its name, as in: mas status");
  }

  Task<Result<int>> work(Context& context) override {
    auto client = context.connect();
    const bool pause = what_ == "pause";
    MAS_CO_TRY(boost::json::value worker, co_await client->set_worker(worker_, pause));
    const bool running = is_true(at(worker, "running"));
    std::string said = pause ? "paused" : "resumed";
    if (pause && running) said += "; the step that runs will end first";
    context.surroundings.out << (context.json ? boost::json::serialize(worker)
                                              : text(at(worker, "name")) + " is " + said)
                             << std::endl;
    co_return kExitOk;
  }

 private:
  std::string what_;
  std::string worker_;
};

}  // namespace

std::unique_ptr<Command> make_worker() { return std::make_unique<Worker>(); }

}  // namespace mas::app
