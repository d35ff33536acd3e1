// One run: a cluster, clients and faults out of one seed; then quiet, and the checks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/bugs.h"

namespace mas::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  std::size_t pods = 0;  // 0: by seed
  Bug bug = Bug::none;
  bool verbose = false;
  std::vector<std::string> without = {};  // kinds of faults that do not happen
  std::vector<std::string> only = {};     // or, if there are any, the only ones that do
};

struct Outcome {
  std::uint64_t trace = 0;  // equal for equal runs
  std::size_t pods = 0;
  std::map<std::string, std::uint64_t> counts;  // faults and what came of them, by kind
  std::vector<std::string> history;             // of the clients; a JSON object a line
  std::vector<std::string> violations;          // empty: all rules held
};

// On the calling thread, in simulated time. codec::initialise() first if several threads run seeds.
[[nodiscard]] Outcome run(const RunOptions& options);

// What must happen somewhere in a batch of seeds for it to mean anything.
[[nodiscard]] std::vector<std::string> expected_counts();

}  // namespace mas::sim
