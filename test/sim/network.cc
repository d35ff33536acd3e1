#include "sim/network.h"

namespace mas::sim {

Network::Network(World& world, std::size_t hosts)
    : world_(world), hosts_(hosts), links_(hosts * hosts) {}

void Network::heal() { std::fill(links_.begin(), links_.end(), Link{}); }

std::optional<Duration> Network::transit(HostIndex from, HostIndex to) {
  const Link& link = this->link(from, to);
  if (link.cut) {
    world_.count("message into a cut link");
    return std::nullopt;
  }
  if (link.loss > 0 && world_.rand().chance(link.loss)) {
    world_.count("lost message");
    return std::nullopt;
  }
  return world_.rand().between(link.least, link.most);
}

}  // namespace mas::sim
