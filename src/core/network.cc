#include "mas/core/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace mas {
namespace {

constexpr std::size_t kPrefix = 8;  // bytes

std::string text_of(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, address, text.data(), text.size()) == nullptr ? "" : text.data();
}

}  // namespace

std::string network_of(std::string_view address) {
  // Without the zone of a link-local one.
  const std::string plain(address.substr(0, address.find('%')));
  in6_addr parsed{};
  if (inet_pton(AF_INET6, plain.c_str(), &parsed) != 1) return std::string(address);
  constexpr std::size_t kMapped = 12;  // bytes before the IPv4 address
  if (IN6_IS_ADDR_V4MAPPED(&parsed)) return text_of(AF_INET, &parsed.s6_addr[kMapped]);
  std::fill(std::begin(parsed.s6_addr) + kPrefix, std::end(parsed.s6_addr), std::uint8_t{0});
  return text_of(AF_INET6, &parsed) + "/64";
}

}  // namespace mas
