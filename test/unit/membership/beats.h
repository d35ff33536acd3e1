// Ready-made pods and times for the membership tests.
#pragma once

#include <string>
#include <vector>

#include "mas/layout/layout.h"
#include "mas/membership/heartbeat_bus.h"
#include "membership/pod_table.h"

namespace mas::membership::test {

using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Duration kBeat = seconds(2);
inline constexpr Duration kSilence = seconds(10);

inline Instant at(Duration d) { return Instant{} + d; }

inline Id128 id(int number) {
  Id128 id;
  id.bytes.fill(static_cast<std::uint8_t>(number + 1));
  return id;
}

inline std::string slot(int number) { return "mas-" + std::to_string(number); }
inline PodKey key(int number) { return {slot(number), id(number)}; }

inline Heartbeat beat(int number, PodState state = PodState::active) {
  Heartbeat beat;
  beat.slot = slot(number);
  beat.incarnation = id(number);
  beat.peer_address = slot(number) + ":7081";
  beat.state = state;
  return beat;
}

inline layout::Member member(int number) { return {slot(number), id(number), "", 1}; }
inline std::vector<layout::Member> members(int count) {
  std::vector<layout::Member> list;
  for (int i = 0; i < count; ++i) list.push_back(member(i));
  return list;
}
inline std::vector<PodKey> keys(int count) {
  std::vector<PodKey> list;
  for (int i = 0; i < count; ++i) list.push_back(key(i));
  return list;
}
inline layout::Layout founded(int count) { return layout::found(id(200), members(count)); }

}  // namespace mas::membership::test
