// Prober: asks a pod over its peer port whether it is there, directly and through another pod.
#pragma once

#include <optional>
#include <string>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/core/units.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/task.h"

namespace mas::membership {

// What a pod says of itself.
struct Identity {
  Id128 cluster;  // zero before it belongs to one
  std::string slot;
  Id128 incarnation;
  std::optional<WallTime> wall = {};  // its clock, if it says so
  friend bool operator==(const Identity&, const Identity&) = default;
};

// Calls end within `timeout`. Errors: timeout, closed, refused. Thread-safe.
class Prober {
 public:
  virtual ~Prober() = default;
  // `address`: host:port of the peer port.
  virtual Task<Result<Identity>> ping(std::string address, Duration timeout) = 0;
  // The pod at `via` pings `target` and says what it heard.
  virtual Task<Result<Identity>> ping_through(std::string via, std::string target,
                                              Duration timeout) = 0;
};

}  // namespace mas::membership
