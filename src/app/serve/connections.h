// How many connections a pod may hold, so that its files always find descriptors.
#pragma once

#include <cstdint>

#include "mas/config/config.h"
#include "mas/core/result.h"

namespace mas::app {

// Lowers http.max_connections to what is left of `limit` open files beside the pod's files and its
// connections to others. Errors: invalid_argument, if too little is left to work; it says how many
// would do.
[[nodiscard]] Result<void> bound_connections(config::Config& config, std::uint64_t limit);

}  // namespace mas::app
