// Heartbeats: any bytes are read or refused; what reads is written in one form, which reads the
// same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "membership/heartbeat_wire.h"

namespace {

using namespace mas;
using namespace mas::membership;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  HeartbeatReading reading = read_heartbeat({reinterpret_cast<const char*>(data), size});
  require((reading.fault == WireFault::oversized) == (size > kMaxHeartbeatBytes));
  if (reading.fault != WireFault::none) return 0;
  auto written = write_heartbeat(reading.beat);
  require(written.has_value());
  HeartbeatReading again = read_heartbeat(*written);
  require(again.fault == WireFault::none);
  require(again.beat == reading.beat);
  require(*write_heartbeat(again.beat) == *written);
  return 0;
}
