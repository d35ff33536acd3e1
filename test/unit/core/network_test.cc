#include "mas/core/network.h"

#include <catch2/catch.hpp>

using namespace mas;

TEST_CASE("an IPv6 address counts as its network, any other as itself") {
  CHECK(network_of("192.0.2.1") == "192.0.2.1");
  CHECK(network_of("::ffff:192.0.2.1") == "192.0.2.1");
  CHECK(network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64");
  CHECK(network_of("2001:db8:1:3::9") == "2001:db8:1:3::/64");
  CHECK(network_of("::1") == "::/64");
  CHECK(network_of("fe80::1%eth0") == "fe80::/64");
  CHECK(network_of("mas-0") == "mas-0");
  CHECK(network_of("").empty());
}
