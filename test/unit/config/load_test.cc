#include <catch2/catch.hpp>
#include <set>

#include "config/keys.h"
#include "config/text.h"
#include "mas/config/config.h"

namespace {

using Catch::Matchers::Contains;
using mas::config::is_foreign_environment;
using mas::config::load;
using mas::config::Sources;

std::string error_of(const Sources& sources) {
  auto result = load(sources);
  if (result.has_value()) return "(no error)";
  CHECK(result.error().message().find('\n') == std::string::npos);
  return result.error().message();
}

TEST_CASE("A flag comes before the environment, the environment before the file") {
  std::string text(
      "[http]\nlisten = \"file:1\"\n[node]\nname = \"file\"\n[log]\nlevel = \"warn\"\n");
  Sources sources;
  sources.file = {"f.toml", text};
  sources.environment = {{"MAS_HTTP_LISTEN", "env:2"}, {"MAS_NODE_NAME", "env"}, {"PATH", "/bin"}};
  sources.flags = {{"http.listen", "flag:3"}};
  auto result = load(sources);
  REQUIRE(result.has_value());
  CHECK(result->http.listen == "flag:3");
  CHECK(result->node.name == "env");
  CHECK(result->log.level == "warn");
}

TEST_CASE("The environment gives every kind of value as text") {
  Sources sources;
  sources.environment = {{"MAS_NODE_DATA", "/a, /b"},     {"MAS_NODE_IO_THREADS", "3"},
                         {"MAS_STORE_RESERVE", "0.1"},    {"MAS_OBJECT_COMPRESS", "false"},
                         {"MAS_TOKEN_EXTENSION", "20 s"}, {"MAS_LIMITS_PART", "1 GiB"},
                         {"MAS_CORS_SYSTEM_ORIGINS", ""}};
  auto result = load(sources);
  REQUIRE(result.has_value());
  CHECK(result->node.data == std::vector<std::string>{"/a", "/b"});
  CHECK(result->node.io_threads == 3);
  CHECK(result->store.reserve == 0.1);
  CHECK_FALSE(result->object.compress);
  CHECK(result->token.extension == std::chrono::seconds(20));
  CHECK(result->limits.part == mas::kGiB);
  CHECK(result->cors.system_origins.empty());
}

TEST_CASE("Bad values name the variable or say that they came from the command line") {
  Sources sources;
  sources.environment = {{"MAS_NODE_IO_THREADS", "many"}};
  CHECK(error_of(sources) ==
        "MAS_NODE_IO_THREADS: node.io_threads: expected a whole number, not \"many\"");
  sources.environment = {{"MAS_OBJECT_COMPRESS", "yes"}};
  CHECK_THAT(error_of(sources), Contains("expected true or false, not \"yes\""));
  sources.environment = {{"MAS_STORE_RESERVE", "0.1x"}};
  CHECK_THAT(error_of(sources), Contains("MAS_STORE_RESERVE: store.reserve: expected a number"));
  sources.environment.clear();
  sources.flags = {{"http.listen", "nowhere"}};
  CHECK_THAT(error_of(sources), Contains("command line: http.listen: must be HOST:PORT"));
}

TEST_CASE("An unknown variable is an error that names the nearest known one") {
  Sources sources;
  sources.environment = {{"MAS_HTTP_LISEN", "x"}};
  CHECK(error_of(sources) ==
        "environment: unknown variable MAS_HTTP_LISEN; did you mean MAS_HTTP_LISTEN?");
}

TEST_CASE("Variables of the command line and of Kubernetes services are left alone") {
  Sources sources;
  for (const char* name :
       {"MAS_SERVER", "MAS_SYSTEM_TOKEN_FILE", "MAS_CA_FILE", "MAS_CONFIG", "MAS_SERVICE_HOST",
        "MAS_SERVICE_PORT", "MAS_SERVICE_PORT_HTTP", "MAS_PORT", "MAS_PORT_7080_TCP",
        "MAS_PORT_7080_TCP_PROTO", "MAS_PORT_7080_TCP_PORT", "MAS_PORT_7080_TCP_ADDR",
        "MAS_PORT_53_UDP", "MAS_HEADLESS_SERVICE_HOST", "MAS_HEADLESS_PORT_7081_TCP_ADDR"}) {
    CAPTURE(name);
    CHECK(is_foreign_environment(name));
    sources.environment[name] = "tcp://10.0.0.1:7080";
  }
  CHECK(load(sources).has_value());
}

TEST_CASE("Names that only look like a service's are not left alone") {
  for (const char* name : {"MAS_PORTS", "MAS_PORT_X", "MAS_PORT_7080", "MAS_PORT_7080_HTTP",
                           "MAS_SERVICE", "MAS_PORT_7080_TCP_NAME", "MAS_SUPPORT", "MAS_HTTP"}) {
    CAPTURE(name);
    CHECK_FALSE(is_foreign_environment(name));
  }
}

TEST_CASE("Every key has a variable of its own, and none is taken for a service's") {
  std::set<std::string> names;
  for (const auto& key : mas::config::keys()) {
    std::string name = mas::config::environment_name(key.name);
    CAPTURE(name);
    CHECK(names.insert(name).second);
    CHECK_FALSE(is_foreign_environment(name));
  }
}

TEST_CASE("An error in a file starts with the file and the line") {
  Sources sources;
  sources.file = {"/etc/mas.toml", "\n\n[http]\nlisen = 1\n"};
  CHECK(error_of(sources) == "/etc/mas.toml:4: unknown key http.lisen; did you mean http.listen?");
}

TEST_CASE("Edit distance counts changes, insertions, removals and swaps") {
  using mas::config::edit_distance;
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "abc") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("abc", "axc") == 1);
  CHECK(edit_distance("abc", "acb") == 1);
  CHECK(edit_distance("listen", "lisen") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("Text in messages is printable, short and on one line") {
  using mas::config::printable;
  CHECK(printable("plain") == "plain");
  CHECK(printable("a\nb\x01\xff") == "a\\nb\\x01\\xff");
  CHECK(printable("abcdef", 3) == "abc...");
  CHECK(mas::config::toml_string("a\"b\\c\n") == "\"a\\\"b\\\\c\\u000a\"");
}

}  // namespace
