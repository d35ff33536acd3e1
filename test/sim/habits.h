// Habits: what the clients of one run do, and how often. Each seed has its own mixture, so that
// some runs are full of what others hardly do.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/rand.h"

namespace mas::sim {

// Each as a share of what a client does.
struct Habits {
  Habits(Rand rand);

  std::uint64_t download = 35;
  std::uint64_t upload = 27;
  std::uint64_t session = 18;
  std::uint64_t remove = 13;
  std::uint64_t instant = 7;
  std::uint64_t crowd = 0;    // sessions of which parts are sent again, with other bytes
  std::uint64_t abandon = 0;  // sessions that nobody ends

  // Clients that do nothing else.
  std::size_t patient = 0;   // a session with long rests between its parts
  std::size_t streams = 0;   // uploads that take longer than disks do to be replaced
  std::size_t crawlers = 0;  // bodies that go on after the faults, until they are told to end
};

}  // namespace mas::sim
