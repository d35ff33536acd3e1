// mas status: the cluster at a glance.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>

#include "app/cli/command.h"

namespace mas::app {

[[nodiscard]] std::unique_ptr<Command> make_status();

// What /api/cluster/status says, as a text for people.
[[nodiscard]] std::string status_text(const boost::json::value& status);

// "" if every pod is up, the store writes and no stripe has lost a shard; else what is missing.
[[nodiscard]] std::string unhealthy_because(const boost::json::value& status);

}  // namespace mas::app
