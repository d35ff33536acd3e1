// What the process may have of memory, and budgets that fit into it.
#include <catch2/catch.hpp>
#include <map>

#include "app/serve/memory_limit.h"
#include "app/serve/memory_plan.h"
#include "mas/fs/fault_fs.h"
#include "support/must.h"

namespace {

using namespace mas;
using app::control_group_memory;
using app::fit_memory;
using app::least_memory;
using app::memory_group;
using app::memory_needed;

std::optional<std::uint64_t> limit_with(const std::map<std::string, std::string>& files) {
  auto fs = fs::make_fault_fs(1);
  for (const auto& [path, text] : files) {
    must(fs->make_directories(path.substr(0, path.rfind('/'))));
    fs::OpenOptions options;
    options.access = fs::Access::read_write;
    options.create = true;
    auto file = must(fs->open(path, options));
    const ByteView bytes = as_bytes(text);
    must(file->write_at(0, {&bytes, 1}));
  }
  return control_group_memory(*fs, {"/proc/cgroup", "/cg"});
}

TEST_CASE("The group that has the memory is the one that version 1 names, else that of version 2") {
  CHECK(memory_group("5:cpu,memory:/a/b\n0::/c\n").path == "/a/b");
  CHECK_FALSE(memory_group("5:cpu,memory:/a/b\n0::/c\n").unified);
  CHECK(memory_group("0::/c/d\n").path == "/c/d");
  CHECK(memory_group("0::/c/d").unified);
  // Not a controller of that name; and what is no path.
  CHECK(memory_group("3:memoryless:/x\n0::/c\n").path == "/c");
  for (const char* text : {"", "nonsense", "1:memory", "0::relative\n", "::\n:\n"}) {
    CAPTURE(text);
    CHECK(memory_group(text).path == "/");
  }
}

TEST_CASE("The lowest limit of a group and of those above it counts") {
  const std::string own = "0::/pods/one\n";
  CHECK(limit_with({{"/proc/cgroup", own},
                    {"/cg/pods/one/memory.max", "max\n"},
                    {"/cg/pods/memory.max", "268435456\n"}}) == 256 * kMiB);
  CHECK(limit_with({{"/proc/cgroup", own},
                    {"/cg/pods/one/memory.max", "1048576\n"},
                    {"/cg/pods/memory.max", "268435456\n"}}) == kMiB);
  // In a container: the own group at the mount.
  CHECK(limit_with({{"/proc/cgroup", "0::/\n"}, {"/cg/memory.max", "4096\n"}}) == 4096U);
  CHECK(limit_with({{"/proc/cgroup", "7:memory:/docker/x\n"},
                    {"/cg/memory/memory.limit_in_bytes", "4096\n"}}) == 4096U);
}

TEST_CASE("Where nothing is limited, nothing is known") {
  CHECK_FALSE(limit_with({}));
  CHECK_FALSE(limit_with({{"/proc/cgroup", "0::/\n"}, {"/cg/memory.max", "max\n"}}));
  CHECK_FALSE(limit_with({{"/proc/cgroup", "7:memory:/x\n"},
                          {"/cg/memory/x/memory.limit_in_bytes", "9223372036854771712\n"}}));
}

TEST_CASE("What fits stays as it is") {
  config::Config config;
  CHECK(must(fit_memory(config, memory_needed(config) * 16 / 15 + 16)).empty());
  CHECK(config.object.buffer_budget == config::Object().buffer_budget);
  CHECK(config.http.max_connections == config::Http().max_connections);
}

TEST_CASE("Connections count as what they cost, with TLS and at the peer port, too") {
  config::Config config;
  auto cost = [&config] {
    config::Config more = config;
    more.http.max_connections += 1000;
    return (memory_needed(more) - memory_needed(config)) / 1000;
  };
  CHECK(cost() == 16 * kKiB);
  config.tls.certificate = "server.pem";
  CHECK(cost() == 48 * kKiB);
  config.cluster.listen = "127.0.0.1:0";
  config.rabbitmq.url = "amqp://x";
  CHECK(cost() == 96 * kKiB);
}

TEST_CASE("Budgets are made to fit, from the least that does to all that is asked for") {
  config::Config defaults;
  if (GENERATE(false, true)) {
    defaults.cluster.listen = "127.0.0.1:0";
    defaults.rabbitmq.url = "amqp://x";
  }
  const std::uint64_t least = least_memory(defaults);
  for (std::uint64_t limit = least; limit < memory_needed(defaults); limit += 7 * kMiB + 1) {
    config::Config config = defaults;
    CAPTURE(limit);
    CHECK_FALSE(must(fit_memory(config, limit)).empty());
    CHECK(memory_needed(config) <= limit - limit / 16);
    CHECK(config.object.buffer_budget >= 2 * config.object.stripe);
    CHECK(config.object.buffer_budget <= defaults.object.buffer_budget);
    CHECK(config.http.max_connections >= 64);
  }
  config::Config config = defaults;
  REQUIRE(fit_memory(config, 256 * kMiB).has_value());
  CHECK(config.object.buffer_budget > 48 * kMiB);
}

TEST_CASE("Too little is refused, and the least that would do is named") {
  config::Config config;
  const std::uint64_t least = least_memory(config);
  const auto refused = fit_memory(config, least - 1);
  REQUIRE(code_of(refused) == Code::invalid_argument);
  CHECK(refused.error().message().find(describe_size(least)) != std::string::npos);
  CHECK(fit_memory(config, least).has_value());
}

}  // namespace
