// One round of asking a silent pod: directly, and through others. Only if all fail is it down.
#pragma once

#include <string>
#include <vector>

#include "mas/membership/prober.h"
#include "membership/pod_table.h"

namespace mas::membership {

struct ProbePlan {
  PodKey pod;
  Id128 cluster;                     // that it belongs to; zero if it is no member
  std::string target;                // its peer address
  std::vector<std::string> through;  // peer addresses of others
};

// Whom to ask, and through which two others: those alive that follow it in order of key.
[[nodiscard]] ProbePlan plan_probe(const PodKey& pod, const PodTable& pods, const Id128& cluster);

// Whether the pod that answered is the one that was meant.
[[nodiscard]] bool is_answer_of(const ProbePlan& plan, const Identity& identity);

// True as soon as one answer is the pod's own. `prober` outlives it.
Task<bool> probe(Prober& prober, ProbePlan plan, Duration timeout);

}  // namespace mas::membership
