// The commands that need no pod: they look at files on this machine.
#pragma once

#include <memory>

#include "app/cli/command.h"

namespace mas::app {

[[nodiscard]] std::unique_ptr<Command> make_check();
[[nodiscard]] std::unique_ptr<Command> make_config();

}  // namespace mas::app
