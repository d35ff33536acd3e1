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

// What a pod says of itself every few seconds. Texts are UTF-8 of at most 256 bytes.
struct Heartbeat {
  Id128 cluster;  // zero until the pod knows
  std::string slot;
  Id128 incarnation;
  std::string api_address;   // host:port
  std::string peer_address;  // host:port
  std::string zone;
  std::uint64_t capacity = 0;
  std::uint64_t used = 0;
  PodState state = PodState::joining;
  std::uint64_t layout_version = 0;
  std::uint64_t generation = 0;  // the highest of any record it stored or heard of
  std::string software;
  // Grows from beat to beat, and from one process of a pod to its next (it starts at the time).
  std::uint64_t sequence = 0;
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

class HeartbeatBus {
 public:
  using Listener = std::function<void(const Heartbeat&)>;
  // Leaves; the listener is not called any more. Not from the listener itself.
  virtual ~HeartbeatBus() = default;
  // Hands a heartbeat to every bus that is there, this one included. Those of one sender arrive in
  // order. Errors: broker_unavailable (Error::maybe_happened tells whether some may hear it all the
  // same), invalid_argument (a text too long or not UTF-8).
  virtual Task<Result<void>> publish(Heartbeat beat) = 0;
  // Called for each heartbeat, one at a time, on a thread of the bus's choosing: it must be quick.
  // One listener a bus; a later one replaces it. What came before it is lost.
  virtual void listen(Listener listener) = 0;
  [[nodiscard]] virtual bool connected() const = 0;
};

// Heartbeats within one process: every bus made from one hub hears the others, on the thread of the
// publisher. For one pod and for tests.
class InProcessHub;
[[nodiscard]] std::shared_ptr<InProcessHub> make_in_process_hub();
[[nodiscard]] std::unique_ptr<HeartbeatBus> join_hub(std::shared_ptr<InProcessHub> hub);

}  // namespace mas::membership
