#include "http/session_context.h"

#include <array>

#include "mas/core/bytes.h"

namespace mas::http {

std::string RequestIds::next() {
  // splitmix64: a full-period walk, so ids of one thread never repeat.
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  z ^= z >> 31;
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(z >> (8 * (bytes.size() - 1 - i)));
  }
  return to_hex(bytes);
}

}  // namespace mas::http
