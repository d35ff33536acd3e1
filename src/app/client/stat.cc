// mas stat and mas rm.
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/output.h"
#include "app/client/simple_commands.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

Result<void> check_hashes(const std::vector<std::string>& hashes) {
  for (const std::string& hash : hashes) MAS_CHECK(parse_hash_argument(hash));
  return {};
}

class Stat final : public ClientCommand {
 public:
  std::string name() const override { return "stat"; }
  std::string summary() const override { return "Show what is known about files"; }

 protected:
  void declare_own(OptionSet& options) override {
    options.arguments("HASH", hashes_, 1, "SHA-256 of the file, 64 hex digits");
  }
  Result<void> check() override { return check_hashes(hashes_); }

  Task<Result<int>> work(Context& context) override {
    auto client = context.connect();
    int status = kExitOk;
    for (const std::string& text : hashes_) {
      MAS_CO_TRY(Hash hash, parse_hash_argument(text));
      MAS_CO_TRY(auto info, co_await client->info(hash));
      if (!info) {
        context.report(name(), Error(Code::no_such_file, text + ": no such file"));
        status = kExitFailed;
      } else if (context.json) {
        context.print(to_json(*info));
      } else {
        context.surroundings.out << describe(*info) << std::flush;
      }
    }
    co_return status;
  }

 private:
  static std::string describe(const FileInfo& info) {
    return table({{"hash", info.hash},
                  {"name", printable(info.name)},
                  {"size", std::to_string(info.size) + " (" + describe_size(info.size) + ")"},
                  {"created", date_text(info.created) + " UTC"},
                  {"state", info.stored ? "stored" : "upload not finished"}});
  }

  std::vector<std::string> hashes_;
};

class Rm final : public ClientCommand {
 public:
  std::string name() const override { return "rm"; }
  std::string summary() const override { return "Delete files"; }
  std::string details() const override {
    return "A deleted file cannot be downloaded any more at once; its space comes back after the\n"
           "grace time (maintain.grace).";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.arguments("HASH", hashes_, 1, "SHA-256 of the file, 64 hex digits");
  }
  Result<void> check() override { return check_hashes(hashes_); }

  Task<Result<int>> work(Context& context) override {
    auto client = context.connect();
    int status = kExitOk;
    for (const std::string& text : hashes_) {
      MAS_CO_TRY(Hash hash, parse_hash_argument(text));
      auto removed = co_await client->remove(hash);
      if (removed.has_error()) {
        context.report(name(), removed.error().with_context(text));
        status = kExitFailed;
      } else if (context.json) {
        context.print({{"hash", hash.hex()}, {"deleted", true}});
      }
    }
    co_return status;
  }

 private:
  std::vector<std::string> hashes_;
};

}  // namespace

std::unique_ptr<Command> make_stat() { return std::make_unique<Stat>(); }
std::unique_ptr<Command> make_rm() { return std::make_unique<Rm>(); }

}  // namespace mas::app
