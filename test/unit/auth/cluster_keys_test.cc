#include "mas/auth/cluster_keys.h"

#include <catch2/catch.hpp>

#include "mas/core/bytes.h"

using namespace mas;
using namespace mas::auth;

TEST_CASE("the keys of a cluster are those that the format says") {
  const auto keys = cluster_keys({"0123456789abcdef"}, "mas");
  REQUIRE(keys.size() == 1);
  // By Python: HMAC-SHA256 twice, as RFC 5869 has it.
  CHECK(keys[0].id == "dbbbf76cdbc93752");
  CHECK(to_hex(keys[0].heartbeat) ==
        "384518f652489e5eff18b6a05da98effb8fa59e680005001cee36c992f9f8660");
  CHECK(to_hex(keys[0].peer) == "2344c266e7c7bffb4d801454a8b0f3a4108d4e5bad56cf46e3e9391e14443f7c");
}

TEST_CASE("each secret, cluster and use has keys of its own") {
  const auto keys = cluster_keys({"0123456789abcdef", "0123456789abcdeg"}, "mas");
  const auto other = cluster_keys({"0123456789abcdef"}, "other");
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].id != keys[1].id);
  CHECK(keys[0].heartbeat != keys[1].heartbeat);
  CHECK(keys[0].peer != keys[1].peer);
  CHECK(keys[0].peer != keys[0].heartbeat);
  CHECK(keys[0].id != other[0].id);
  CHECK(keys[0].peer != other[0].peer);
}
