#include "sim/network.h"

#include "mas/core/units.h"

namespace mas::sim {
namespace {

constexpr std::string_view kHost = "host-";
constexpr std::string_view kPort = ":1";

}  // namespace

std::string address_of(HostIndex host) {
  return std::string(kHost) + std::to_string(host) + std::string(kPort);
}

std::optional<HostIndex> host_at(std::string_view address) {
  if (!address.starts_with(kHost) || !address.ends_with(kPort)) return std::nullopt;
  address.remove_prefix(kHost.size());
  address.remove_suffix(kPort.size());
  const auto number = parse_u64(address);
  if (number.has_error()) return std::nullopt;
  return static_cast<HostIndex>(*number);
}

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
