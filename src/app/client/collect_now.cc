// mas collect-now.
#include <boost/json/serialize.hpp>
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/json_values.h"
#include "app/client/simple_commands.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

class CollectNow final : public ClientCommand {
 public:
  std::string name() const override { return "collect-now"; }
  std::string summary() const override { return "Free what was deleted now, for good"; }
  std::string details() const override {
    return "What was deleted waits for maintain.grace, so that downloads end and a backup of the\n"
           "metadata can be gone back to. This gives that up, on all pods, for what is deleted by "
           "now.\n"
           "What running downloads read stays until they end. mas status shows how far it is.";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.flag("--for-good", for_good_, "Say that it may be lost for good; needed");
    options.text("--hash", "HASH", hash_, "Only what this deleted file left");
  }

  Result<void> check() override {
    if (!hash_.empty()) MAS_CHECK(parse_hash_argument(hash_));
    if (for_good_) return {};
    return Error(Code::invalid_argument,
                 "what is freed cannot be brought back, not even with a backup of the metadata; "
                 "say --for-good if that is meant");
  }

  Task<Result<int>> work(Context& context) override {
    auto client = context.connect();
    MAS_CO_TRY(boost::json::value begun, co_await client->collect_now(hash_));
    std::ostream& out = context.surroundings.out;
    if (context.json) {
      out << boost::json::serialize(begun) << std::endl;
    } else if (hash_.empty() && number(at(begun, "bytes")) == 0) {
      out << "what was deleted by now is freed for good" << std::endl;
    } else if (hash_.empty()) {
      out << "about " << describe_size(number(at(begun, "bytes")))
          << " on the pod asked, and what others have, is freed for good" << std::endl;
    } else {
      out << "what " << hash_ << " left is freed for good" << std::endl;
    }
    co_return kExitOk;
  }

 private:
  bool for_good_ = false;
  std::string hash_;
};

}  // namespace

std::unique_ptr<Command> make_collect_now() { return std::make_unique<CollectNow>(); }

}  // namespace mas::app
