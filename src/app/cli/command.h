// A subcommand of mas: its name, its options, and what it does.
#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/options.h"
#include "mas/core/result.h"

namespace mas::app {

// What every command ends with.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// What a command sees of the process it runs in.
struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  std::map<std::string, std::string> environment;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

class Command {
 public:
  virtual ~Command() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  // One line, for the list of commands.
  [[nodiscard]] virtual std::string summary() const = 0;
  // What the help says beyond the options; "" for nothing.
  [[nodiscard]] virtual std::string details() const { return ""; }
  virtual void declare(OptionSet& options) = 0;
  // Called once, after the options were filled in. Returns an exit status.
  virtual int run(Surroundings& surroundings) = 0;
};

// Every subcommand, in the order of the help.
[[nodiscard]] std::vector<std::unique_ptr<Command>> all_commands();

// "mas: put: message" on standard error, on one line; returns kExitFailed.
int fail(Surroundings& surroundings, std::string_view command, const Error& error);

}  // namespace mas::app
