// Heartbeats over the simulated network: the broker on a host of its own, and each pod's way to it.
//
// As AMQP has it: a beat is published once the broker has it; a process hears what came after its
// queue was made, and of each sender in order; what lies in a queue for longer than suspect_after
// is dropped.
#pragma once

#include <memory>

#include "mas/membership/heartbeat_bus.h"
#include "sim/network.h"

namespace mas::sim {

// A process's queue at the broker, with whoever listens to it.
struct Ear {
  membership::HeartbeatBus::Listener listener;
  Instant last{};  // when what was sent to it last arrives
};

class Broker {
 public:
  Broker(World& world, Network& network, HostIndex self, Duration message_life)
      : world_(world), network_(network), self_(self), message_life_(message_life) {}

  // To every process that has a queue now.
  Task<Result<void>> take(membership::Heartbeat beat);

 private:
  World& world_;
  Network& network_;
  const HostIndex self_;
  const Duration message_life_;
};

// The bus of the process on host `self`. All of it outlives the bus.
[[nodiscard]] std::unique_ptr<membership::HeartbeatBus> make_bus(Network& network, Life& life,
                                                                 HostIndex self, HostIndex broker);

}  // namespace mas::sim
