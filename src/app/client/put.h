// mas put and mas get.
#pragma once

#include <memory>

#include "app/cli/command.h"

namespace mas::app {

[[nodiscard]] std::unique_ptr<Command> make_put();
[[nodiscard]] std::unique_ptr<Command> make_get();

}  // namespace mas::app
