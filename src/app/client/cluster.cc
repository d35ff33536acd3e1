// mas cluster.
#include <boost/json/serialize.hpp>
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/json_values.h"
#include "app/client/simple_commands.h"

namespace mas::app {
namespace {

class Cluster final : public ClientCommand {
 public:
  std::string name() const override { return "cluster"; }
  std::string summary() const override { return "Say that the data of a pod are gone for good"; }
  std::string details() const override {
    return "give-up: what the pod SLOT held when it left, or before it came back empty, is not "
           "waited "
           "for any more. Files that cannot be read without it are marked damaged from then on. "
           "Ask "
           "any pod; of a pod that is the only one, itself.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.argument_choice("DO", what_, {"give-up"}, "What to do");
    options.argument("SLOT", slot_, "The pod's name, as in: mas status");
  }

  Task<Result<int>> work(Context& context) override {
    auto client = context.connect();
    MAS_CO_TRY(boost::json::value done, co_await client->give_up(slot_));
    context.surroundings.out << (context.json
                                     ? boost::json::serialize(done)
                                     : "the data of " + text(at(done, "name")) + " are given up")
                             << std::endl;
    co_return kExitOk;
  }

 private:
  std::string what_;
  std::string slot_;
};

}  // namespace

std::unique_ptr<Command> make_cluster() { return std::make_unique<Cluster>(); }

}  // namespace mas::app
