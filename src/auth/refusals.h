// How often each client may be refused, by its network (core/network.h): a bucket of N refusals
// that fills again in a second.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mas/runtime/clock.h"

namespace mas::auth {

// Thread-safe. Remembers between `addresses` and twice as many; a forgotten one has a full bucket.
class Refusals {
 public:
  Refusals(std::uint32_t per_second, std::size_t addresses, Clock& clock)
      : per_second_(per_second), addresses_(addresses), clock_(clock) {}

  // Takes one; false if there was none left.
  bool count(std::string_view address);

 private:
  struct Bucket {
    double left = 0;
    Instant at;
  };
  using Map = std::unordered_map<std::string, Bucket>;
  [[nodiscard]] Bucket filled(Bucket bucket, Instant now) const;
  [[nodiscard]] Bucket look_up(const std::string& address, Instant now) const;

  double per_second_;
  std::size_t addresses_;
  Clock& clock_;
  std::mutex mutex_;
  Map young_;
  Map old_;
};

}  // namespace mas::auth
