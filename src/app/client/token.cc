// mas token.
#include <ostream>

#include "app/client/client_command.h"
#include "app/client/simple_commands.h"

namespace mas::app {
namespace {

class Token final : public ClientCommand {
 public:
  std::string name() const override { return "token"; }
  std::string summary() const override { return "Mint a temporary upload or download token"; }
  std::string details() const override {
    return "Prints the token alone, ready for: curl -H \"token: $(mas token download HASH)\" ...\n"
           "It must be used within token.first_use (2 m by default).";
  }

 protected:
  void declare_own(OptionSet& options) override {
    options.argument_choice("TYPE", type_, {"upload", "download"}, "What the token allows");
    options.argument("HASH", hash_, "SHA-256 of the one file it is good for, 64 hex digits");
    options.text("--session", "TEXT", session_, "Upload: name of a session of its own");
    options.size("--max-size", max_size_, 0, INT64_MAX, "Upload: most bytes; 0: no limit");
    options.flag("--no-instant", no_instant_, "Upload: always have the bytes sent");
    options.text("--name", "NAME", file_name_, "Download: the file name a browser is told");
    options.flag("--inline", inline_, "Download: let browsers show the file");
  }

  Result<void> check() override {
    MAS_CHECK(parse_hash_argument(hash_));
    bool upload = type_ == "upload";
    if (upload && (!file_name_.empty() || inline_)) {
      return Error(Code::invalid_argument, "--name and --inline are for download tokens");
    }
    if (!upload && (!session_.empty() || max_size_ != 0 || no_instant_)) {
      return Error(Code::invalid_argument,
                   "--session, --max-size and --no-instant are for upload tokens");
    }
    return {};
  }

  Task<Result<int>> work(Context& context) override {
    MAS_CO_TRY(Hash hash, parse_hash_argument(hash_));
    Parameters claims;
    if (!session_.empty()) claims.emplace_back("session", session_);
    if (max_size_ != 0) claims.emplace_back("max_size", std::to_string(max_size_));
    if (no_instant_) claims.emplace_back("instant", "0");
    if (!file_name_.empty()) claims.emplace_back("name", file_name_);
    if (inline_) claims.emplace_back("inline", "1");
    auto client = context.connect();
    MAS_CO_TRY(std::string token, co_await client->mint(type_, hash, claims));
    if (context.json) {
      context.print({{"token", token}});
    } else {
      context.surroundings.out << token << std::endl;
    }
    co_return kExitOk;
  }

 private:
  std::string type_;
  std::string hash_;
  std::string session_;
  std::uint64_t max_size_ = 0;
  bool no_instant_ = false;
  std::string file_name_;
  bool inline_ = false;
};

}  // namespace

std::unique_ptr<Command> make_token() { return std::make_unique<Token>(); }

}  // namespace mas::app
