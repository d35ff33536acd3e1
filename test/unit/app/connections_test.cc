// How many connections a pod takes beside its files.
#include "app/serve/connections.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "mas/fs/descriptors.h"

using namespace mas;
using namespace mas::app;

TEST_CASE("connections leave what files need") {
  for (const std::size_t directories : {1, 4}) {
    for (const std::uint64_t limit : {300, 1024, 4096, 20'000, 1'000'000}) {
      INFO(directories << " directories, " << limit);
      config::Config config;
      config.node.data.assign(directories, "/data");
      REQUIRE(bound_connections(config, limit).has_value());
      const std::uint64_t files = fs::descriptors_of_files(limit, directories);
      CHECK(config.http.max_connections + config.http.max_connections / 8 + files < limit);
      CHECK(config.http.max_connections >= 16);
    }
  }
}

TEST_CASE("with enough descriptors the configured number stands") {
  config::Config config;
  REQUIRE(bound_connections(config, 1'000'000).has_value());
  CHECK(config.http.max_connections == config::Http().max_connections);
}

TEST_CASE("a pod of a cluster keeps some for the connections it makes") {
  config::Config alone;
  config::Config member;
  member.cluster.listen = "127.0.0.1:7081";
  REQUIRE(bound_connections(alone, 1024).has_value());
  REQUIRE(bound_connections(member, 1024).has_value());
  // Its two listeners share what is left.
  CHECK(2 * member.http.max_connections < alone.http.max_connections);
}

TEST_CASE("the listener for metrics has its own connections, as many as are configured") {
  std::uint32_t before = UINT32_MAX;
  for (const std::uint32_t own : {0U, 64U, 200U}) {
    config::Config config;
    if (own > 0) config.metrics.listen = "127.0.0.1:7082";
    config.metrics.max_connections = std::max(own, 4U);
    REQUIRE(bound_connections(config, 2048).has_value());
    CHECK(config.http.max_connections + config.http.max_connections / 8 + own < 2048);
    CHECK(config.http.max_connections + own / 2 < before);
    before = config.http.max_connections;
  }
}

TEST_CASE("too few descriptors are refused with what would do") {
  config::Config config;
  const auto refused = bound_connections(config, 16);
  REQUIRE(refused.has_error());
  const std::string message = refused.error().message();
  const std::string before = "at least ";
  const std::uint64_t least = std::stoull(message.substr(message.find(before) + before.size()));
  CHECK(bound_connections(config, least - 1).has_error());
  CHECK(bound_connections(config, least).has_value());
}
