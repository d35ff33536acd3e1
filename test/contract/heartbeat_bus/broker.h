// What the suite needs of an adapter: a broker that buses can join. A new adapter adds one entry to
// brokers() in brokers.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mas/membership/heartbeat_bus.h"

namespace mas::membership::test {

// The clusters of one broker.
class Broker {
 public:
  virtual ~Broker() = default;
  // A bus of the cluster of that name, ready to publish and to hear.
  virtual std::unique_ptr<HeartbeatBus> join(const std::string& cluster) = 0;
};

struct BrokerFactory {
  std::string name;
  std::function<std::unique_ptr<Broker>()> make;
};

[[nodiscard]] std::vector<BrokerFactory> brokers();

}  // namespace mas::membership::test
