// mas bench: load on a running pod, measured and verified.
#pragma once

#include <memory>

#include "app/cli/command.h"

namespace mas::app {

[[nodiscard]] std::unique_ptr<Command> make_bench();

}  // namespace mas::app
