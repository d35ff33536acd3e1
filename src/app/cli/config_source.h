// The configuration as the command line finds it: file, environment, flags.
#pragma once

#include <map>
#include <string>

#include "mas/config/config.h"

namespace mas::app {

// `file`: "" for none. Errors (invalid_argument): one line that says what and where.
[[nodiscard]] Result<config::Config> load_config(
    const std::string& file, const std::map<std::string, std::string>& environment,
    const std::map<std::string, std::string>& flags);

}  // namespace mas::app
