// The form a heartbeat has between pods: one JSON object.
//
//   {"v":1,"cluster":"<32 hex>","slot":"mas-0","incarnation":"<32 hex>","api":"host:port",
//    "peer":"host:port","zone":"","capacity":0,"used":0,"state":"joining","layout":0,
//    "generation":0,"software":"","sequence":0,"boot":"<32 hex>","twin":"<32 hex>",
//    "acknowledged":0,"walked":{"layout":1,"without":[[2,0]],"uploads":"<64 hex>",
//    "objects":"<64 hex>"}}
//
// A reader of version 1 needs all of these but the last four, and ignores others, so that a newer
// pod can say more while an upgrade runs. What an older reader must not misread takes a new
// version: it is ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mas/core/result.h"
#include "mas/membership/heartbeat_bus.h"

namespace mas::membership {

inline constexpr std::size_t kMaxHeartbeatBytes = 16 * 1024;
// Of each text in it.
inline constexpr std::size_t kMaxHeartbeatText = 256;

enum class WireFault : std::uint8_t {
  none,
  oversized,
  malformed,
  unknown_version,
  unsealed,  // of a pod of mas 0.1.0, or of none
  forged,    // its seal is not one of the cluster's secret
  repeated,  // heard before
};
// "oversized", ...; for logs and metrics.
[[nodiscard]] std::string_view fault_name(WireFault fault) noexcept;

struct HeartbeatReading {
  WireFault fault = WireFault::none;
  Heartbeat beat;  // if there is no fault
};
// Takes any bytes.
[[nodiscard]] HeartbeatReading read_heartbeat(std::string_view wire);

// Whether its texts can be written. Errors: invalid_argument (one is too long or not UTF-8).
[[nodiscard]] Result<void> check_texts(const Heartbeat& beat);
// At most kMaxHeartbeatBytes. Errors: those of check_texts().
[[nodiscard]] Result<std::string> write_heartbeat(const Heartbeat& beat);

}  // namespace mas::membership
