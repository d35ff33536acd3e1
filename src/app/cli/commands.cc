#include "app/bench/bench.h"
#include "app/cli/command.h"
#include "app/client/put.h"
#include "app/client/simple_commands.h"
#include "app/client/status.h"
#include "app/local/local_commands.h"
#include "app/serve/serve.h"

namespace mas::app {

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_serve());
  commands.push_back(make_put());
  commands.push_back(make_get());
  commands.push_back(make_ls());
  commands.push_back(make_stat());
  commands.push_back(make_rm());
  commands.push_back(make_token());
  commands.push_back(make_status());
  commands.push_back(make_worker());
  commands.push_back(make_cluster());
  commands.push_back(make_collect_now());
  commands.push_back(make_rebuild_metadata());
  commands.push_back(make_check());
  commands.push_back(make_config());
  commands.push_back(make_bench());
  return commands;
}

}  // namespace mas::app
