// The client commands that are one or a few calls.
#pragma once

#include <memory>

#include "app/cli/command.h"

namespace mas::app {

[[nodiscard]] std::unique_ptr<Command> make_ls();
[[nodiscard]] std::unique_ptr<Command> make_stat();
[[nodiscard]] std::unique_ptr<Command> make_rm();
[[nodiscard]] std::unique_ptr<Command> make_token();
[[nodiscard]] std::unique_ptr<Command> make_worker();
[[nodiscard]] std::unique_ptr<Command> make_cluster();
[[nodiscard]] std::unique_ptr<Command> make_collect_now();
[[nodiscard]] std::unique_ptr<Command> make_rebuild_metadata();

}  // namespace mas::app
