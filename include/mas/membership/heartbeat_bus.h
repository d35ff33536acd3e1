// HeartbeatBus: how pods hear of each other. One pod hears itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/runtime/task.h"

namespace mas::membership {

enum class PodState : std::uint8_t { joining = 1, active = 2, draining = 3 };

struct Heartbeat {
  std::string slot;
  Id128 incarnation;
  std::string api_address;   // host:port
  std::string peer_address;  // host:port
  std::string zone;
  std::uint64_t capacity = 0;
  std::uint64_t used = 0;
  PodState state = PodState::joining;
  std::uint64_t layout_version = 0;
  std::string software;
  std::uint64_t sequence = 0;
};

class HeartbeatBus {
 public:
  using Listener = std::function<void(const Heartbeat&)>;
  virtual ~HeartbeatBus() = default;
  // Errors: broker_unavailable.
  virtual Task<Result<void>> publish(Heartbeat beat) = 0;
  // Called on the bus's own thread for each heartbeat, this pod's included. One listener a bus.
  virtual void listen(Listener listener) = 0;
  [[nodiscard]] virtual bool connected() const = 0;
};

// Heartbeats within one process: every bus made from one hub hears the others. For one pod and for
// tests.
class InProcessHub;
[[nodiscard]] std::shared_ptr<InProcessHub> make_in_process_hub();
[[nodiscard]] std::unique_ptr<HeartbeatBus> join_hub(std::shared_ptr<InProcessHub> hub);

}  // namespace mas::membership
