// mas serve.
#pragma once

#include <memory>

#include "app/cli/command.h"

namespace mas::app {

[[nodiscard]] std::unique_ptr<Command> make_serve();

}  // namespace mas::app
