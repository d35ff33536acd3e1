// Pulse: this pod's own beats: what they say, whether they come back, and whether somebody else
// sends beats under this pod's name. Pure.
#pragma once

#include <string>

#include "mas/membership/heartbeat_bus.h"
#include "mas/runtime/clock.h"

namespace mas::membership {

class Pulse {
 public:
  // `first`: the first sequence; higher than any of a process before, so that of two processes the
  // later one has the higher.
  // `boot`: names this process.
  Pulse(std::string peer_address, std::uint64_t first, Id128 boot)
      : address_(std::move(peer_address)), boot_(boot), first_(first), next_(first) {}

  // The sequence of the next beat, sent at `now`.
  std::uint64_t next(Instant now);
  // This pod does not beat for the time being.
  void rest() { beating_ = false; }
  // A beat under this pod's slot and incarnation was heard.
  void hear(const Heartbeat& beat, Instant at);

  [[nodiscard]] const Id128& boot() const { return boot_; }
  // The process that was heard last under this pod's name; zero: none. To be said in each beat.
  [[nodiscard]] const Id128& twin() const { return twin_; }

  // Whether beats that were sent have not come back for `patience`.
  [[nodiscard]] bool unheard(Instant now, Duration patience) const;
  // An older process runs with this data directory (it, or a copy): this one must stop. Stays so.
  [[nodiscard]] bool has_elder() const { return has_elder_; }
  // A younger one does, as of the last beat heard; it is the one to stop.
  [[nodiscard]] bool has_younger() const { return has_younger_; }

 private:
  [[nodiscard]] bool is_older(const Heartbeat& beat) const;

  std::string address_;
  Id128 boot_;
  Id128 twin_;
  std::uint64_t first_;
  std::uint64_t next_;
  bool beating_ = false;
  Instant echo_{};  // when an own beat came back last, or the first of this run was sent
  bool has_elder_ = false;
  bool has_younger_ = false;
};

}  // namespace mas::membership
