// What counts as one client where clients are counted by address.
#pragma once

#include <string>
#include <string_view>

namespace mas {

// Of an IPv6 address its first 64 bits, as "2001:db8::/64": whoever has one has all of these. Of an
// IPv4 address that is mapped into IPv6 the IPv4 address. Anything else is given back as it is.
[[nodiscard]] std::string network_of(std::string_view address);

}  // namespace mas
