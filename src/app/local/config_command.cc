// mas config.
#include <ostream>

#include "app/cli/config_source.h"
#include "app/local/local_commands.h"

namespace mas::app {
namespace {

class ConfigCommand final : public Command {
 public:
  std::string name() const override { return "config"; }
  std::string summary() const override { return "Check a configuration file, or list every key"; }
  std::string details() const override {
    return "mas config check FILE: says what is wrong with it and where, as mas serve would, the\n"
           "environment left aside; exit status 0 or 2. mas config keys: every key with its "
           "default.";
  }
  void declare(OptionSet& options) override {
    options.argument_choice("ACTION", action_, {"check", "keys"}, "What to do");
    options.arguments("FILE", files_, 0, "The files to check");
  }
  int run(Surroundings& surroundings) override {
    if (action_ == "keys") return print_keys(surroundings);
    if (files_.empty()) {
      fail(surroundings, "config", Error(Code::invalid_argument, "name the FILE to check"));
      return kExitUsage;
    }
    int status = kExitOk;
    for (const std::string& file : files_) {
      auto loaded = load_config(file, {}, {});
      if (loaded.has_error()) {
        fail(surroundings, "config", loaded.error());
        status = kExitUsage;
      } else {
        surroundings.out << file << ": good" << std::endl;
      }
    }
    return status;
  }

 private:
  static int print_keys(Surroundings& surroundings) {
    for (const config::KeyInfo& key : config::all_keys()) {
      surroundings.out << "# " << key.doc << "\n" << key.key << " = " << key.default_value << "\n";
    }
    surroundings.out << std::flush;
    return kExitOk;
  }

  std::string action_;
  std::vector<std::string> files_;
};

}  // namespace

std::unique_ptr<Command> make_config() { return std::make_unique<ConfigCommand>(); }

}  // namespace mas::app
