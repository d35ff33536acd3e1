// mas stat and mas rm.
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/output.h"
#include "app/client/simple_commands.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

// A command that does one thing to each of the files it is given.
class HashesCommand : public ClientCommand {
 protected:
  void declare_own(OptionSet& options) override {
    options.arguments("HASH", hashes_, 1, "SHA-256 of the file, 64 hex digits");
  }
  Result<void> check() override {
    for (const std::string& hash : hashes_) MAS_CHECK(parse_hash_argument(hash));
    return {};
  }

  Task<Result<int>> work(Context& context) override {
    auto client = context.connect();
    int status = kExitOk;
    for (const std::string& text : hashes_) {
      MAS_CO_TRY(Hash hash, parse_hash_argument(text));
      MAS_CO_TRY(bool good, co_await work_on(context, *client, hash));
      if (!good) status = kExitFailed;
    }
    co_return status;
  }

  // False: it failed for this file and has said so; the others go on. An error ends all.
  virtual Task<Result<bool>> work_on(Context& context, ApiClient& client, Hash hash) = 0;

 private:
  std::vector<std::string> hashes_;
};

class Stat final : public HashesCommand {
 public:
  std::string name() const override { return "stat"; }
  std::string summary() const override { return "Show what is known about files"; }

 protected:
  Task<Result<bool>> work_on(Context& context, ApiClient& client, Hash hash) override {
    MAS_CO_TRY(auto info, co_await client.info(hash));
    if (!info) {
      context.report(name(), Error(Code::no_such_file, hash.hex() + ": no such file"));
      co_return false;
    }
    if (context.json) {
      context.print(to_json(*info));
    } else {
      context.surroundings.out << describe(*info) << std::flush;
    }
    co_return true;
  }

 private:
  static std::string describe(const FileInfo& info) {
    return table({{"hash", info.hash},
                  {"name", printable(info.name)},
                  {"size", std::to_string(info.size) + " (" + describe_size(info.size) + ")"},
                  {"created", date_text(info.created) + " UTC"},
                  {"state", info.stored ? "stored" : "upload not finished"}});
  }
};

class Rm final : public HashesCommand {
 public:
  std::string name() const override { return "rm"; }
  std::string summary() const override { return "Delete files"; }
  std::string details() const override {
    return "A deleted file cannot be downloaded any more at once; its space comes back after the\n"
           "grace time (maintain.grace).";
  }

 protected:
  Task<Result<bool>> work_on(Context& context, ApiClient& client, Hash hash) override {
    auto removed = co_await client.remove(hash);
    if (removed.has_error()) {
      context.report(name(), removed.error().with_context(hash.hex()));
      co_return false;
    }
    if (context.json) context.print({{"hash", hash.hex()}, {"deleted", true}});
    co_return true;
  }
};

}  // namespace

std::unique_ptr<Command> make_stat() { return std::make_unique<Stat>(); }
std::unique_ptr<Command> make_rm() { return std::make_unique<Rm>(); }

}  // namespace mas::app
