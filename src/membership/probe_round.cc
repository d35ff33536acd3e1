#include "membership/probe_round.h"

namespace mas::membership {
namespace {

constexpr std::size_t kHelpers = 2;

}  // namespace

ProbePlan plan_probe(const PodKey& pod, const PodTable& pods, const Id128& cluster) {
  ProbePlan plan;
  plan.pod = pod;
  const PodEntry* entry = pods.find(pod);
  if (entry == nullptr) return plan;
  plan.target = entry->last.peer_address;
  if (entry->member) plan.cluster = cluster;
  auto add = [&](auto from, auto to) {
    for (; from != to && plan.through.size() < kHelpers; ++from) {
      bool fit = from->first != pod && from->second.heard &&
                 from->second.liveness == Liveness::alive &&
                 !from->second.last.peer_address.empty();
      if (fit) plan.through.push_back(from->second.last.peer_address);
    }
  };
  auto self = pods.pods().find(pod);
  add(self, pods.pods().end());
  add(pods.pods().begin(), self);
  return plan;
}

bool is_answer_of(const ProbePlan& plan, const Identity& identity) {
  return identity.slot == plan.pod.slot && identity.incarnation == plan.pod.incarnation &&
         (plan.cluster.is_zero() || identity.cluster == plan.cluster);
}

Task<bool> probe(Prober& prober, ProbePlan plan, Duration timeout) {
  if (plan.target.empty()) co_return false;
  std::string target = plan.target;
  auto direct = co_await prober.ping(std::move(target), timeout);
  if (direct.has_value() && is_answer_of(plan, *direct)) co_return true;
  for (const std::string& helper : plan.through) {
    std::string via = helper;
    target = plan.target;
    auto indirect = co_await prober.ping_through(std::move(via), std::move(target), timeout);
    if (indirect.has_value() && is_answer_of(plan, *indirect)) co_return true;
  }
  co_return false;
}

}  // namespace mas::membership
