// The command line: finds the subcommand, fills in its options, runs it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/cli/command.h"

namespace mas::app {

// `arguments` without the program's name. Returns the exit status: the command's own, 0 after
// --help and --version, kExitUsage for what cannot be understood.
int run_command_line(std::span<const std::string> arguments, Surroundings& surroundings);

// The help of every command in one text, as `mas --help-all` prints it.
[[nodiscard]] std::string full_help();

}  // namespace mas::app
