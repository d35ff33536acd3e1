// The budgets of memory, made to fit what the process may have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mas/config/config.h"

namespace mas::app {

// What a budget was set to, to be logged: its key and its size or number.
struct Planned {
  std::string key;
  std::string value;
};

// The memory that the process needs at most with this configuration, in bytes: its budgets, its
// connections, and what no budget counts.
[[nodiscard]] std::uint64_t memory_needed(const config::Config& config);

// The least that fit_memory() can work in with this configuration, in bytes.
[[nodiscard]] std::uint64_t least_memory(const config::Config& config);

// Lowers the budgets of `config` until memory_needed() fits into `limit` bytes, all in proportion,
// none below what it needs to work at all; tells which. A sixteenth of the limit stays free for
// what nobody counts. Nothing changes where all fits. Errors: invalid_argument, with the least
// limit that would do.
[[nodiscard]] Result<std::vector<Planned>> fit_memory(config::Config& config, std::uint64_t limit);

}  // namespace mas::app
