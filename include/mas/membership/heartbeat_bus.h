// HeartbeatBus: how pods hear of each other. One pod hears itself.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/runtime/task.h"

namespace mas::membership {

enum class PodState : std::uint8_t { joining = 1, active = 2, draining = 3 };

// What is stored, cut into slices: objects by the first byte of their hash, uploads by that of
// their id.
inline constexpr std::size_t kSlices = 256;
using SliceSet = std::bitset<kSlices>;

// The slices in which a walk found every stripe and manifest where the layout wants it.
struct WalkedSlices {
  SliceSet uploads;
  SliceSet objects;
  friend bool operator==(const WalkedSlices&, const WalkedSlices&) = default;
};

// A member that was down when a walk began, and had not acknowledged the layout.
struct Missing {
  std::uint16_t member = 0;  // by index
  // Sequence of the last heartbeat of it that anybody is known to have heard; 0: none.
  std::uint64_t last_beat = 0;
  friend bool operator==(const Missing&, const Missing&) = default;
};

// That many a walk may go without; with more, nobody walks.
inline constexpr std::size_t kMostWithout = 128;

// How far a pod is with letting the layout settle. What it means for others: settle_book.h.
struct Settling {
  // Nothing that this pod wrote under an older layout than this one is known to it alone.
  std::uint64_t acknowledged = 0;
  // What it found whole, under which layout (0: it has not begun), and whom it went without, by
  // ascending index. At most kMostWithout.
  std::uint64_t layout_version = 0;
  std::vector<Missing> without;
  WalkedSlices found;
  friend bool operator==(const Settling&, const Settling&) = default;
};

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
  // Grows from beat to beat, and from one process of a data directory to its next (kept on disk).
  std::uint64_t sequence = 0;
  // Names the process that says it; zero: a pod of mas 0.1.0.
  Id128 boot = {};
  // Another process that was heard under this very name, as it shares this one's data directory or
  // a copy of it; zero: none. What was recorded earlier cannot name a process of today.
  Id128 twin = {};
  // nullopt: it takes no part now, or is of mas 0.1.0.
  std::optional<Settling> settling = {};
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
