#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "config/keys.h"
#include "mas/config/config.h"

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using mas::config::Config;
using mas::config::parse;
using std::chrono::seconds;

// The error of parsing `toml`, which must be one line.
std::string error_of(std::string_view toml) {
  auto result = parse(toml, "f.toml");
  if (result.has_value()) return "(no error)";
  CHECK(result.error().code() == mas::Code::invalid_argument);
  std::string message = result.error().message();
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.size() < 600);
  return message;
}

TEST_CASE("An empty file gives the defaults") {
  auto result = parse("", "f.toml");
  REQUIRE(result.has_value());
  CHECK(result->http.listen == "127.0.0.1:7080");
  CHECK(result->limits.part == 5 * mas::kGiB);
}

TEST_CASE("Every kind of value is read") {
  auto result = parse(R"(
[node]
name = "pod-3"
data = ["/disk1", "/disk2"]
shutdown_timeout = "90 s"
io_threads = 4
[store]
reserve = 0.25
segment_size = "64 MiB"
[object]
compress = false
[http]
max_header_bytes = 8192
min_body_rate = 0
)",
                      "f.toml");
  REQUIRE(result.has_value());
  CHECK(result->node.name == "pod-3");
  CHECK(result->node.data == std::vector<std::string>{"/disk1", "/disk2"});
  CHECK(result->node.shutdown_timeout == seconds(90));
  CHECK(result->node.io_threads == 4);
  CHECK(result->store.reserve == 0.25);
  CHECK(result->store.segment_size == 64 * mas::kMiB);
  CHECK_FALSE(result->object.compress);
  CHECK(result->http.max_header_bytes == 8192);
  CHECK(result->http.min_body_rate == 0);
}

TEST_CASE("Dotted keys, CRLF, a byte order mark and empty sections are fine") {
  CHECK(parse("node.name = \"a\"\r\n[http]\r\n", "f.toml").has_value());
  CHECK(parse("[http]\n[tls]\n", "f.toml").has_value());
}

TEST_CASE("Every default, written down as TOML, reads back as itself") {
  for (const auto& info : mas::config::all_keys()) {
    CAPTURE(info.key, info.default_value);
    auto result = parse(info.key + " = " + info.default_value + "\n", "f.toml");
    REQUIRE(result.has_value());
    const auto* key = mas::config::find_key(info.key);
    REQUIRE(key != nullptr);
    CHECK(print_field(key->field, *result) == info.default_value);
  }
}

TEST_CASE("An unknown key is named with its line and the nearest known one") {
  CHECK(error_of("[http]\nlisten = \"a:1\"\nlisen = \"a:1\"\n") ==
        "f.toml:3: unknown key http.lisen; did you mean http.listen?");
  CHECK(error_of("[htpp]\nlisten = \"a:1\"\n") ==
        "f.toml:2: unknown key htpp.listen; did you mean http.listen?");
  CHECK(error_of("\nstore.segmnet_size = 1\n") ==
        "f.toml:2: unknown key store.segmnet_size; did you mean store.segment_size?");
  CHECK_THAT(error_of("[nod]\n"), StartsWith("f.toml:1: unknown key nod;"));
  CHECK_THAT(error_of("[http.listen]\nx = 1\n"), Contains("unknown key http.listen.x"));
  CHECK_THAT(error_of("\"a\\nb\" = 1\n"), Contains("unknown key a\\nb;"));
  CHECK_THAT(error_of(std::string(5000, 'k') + " = 1\n"), Contains("kkk...;"));
}

TEST_CASE("The error is the first one of the file") {
  CHECK_THAT(error_of("[http]\nzzz = 1\naaa = 1\n[aaa]\nb = 1\n"), StartsWith("f.toml:2: "));
}

TEST_CASE("A value of the wrong type says what is expected") {
  const std::map<std::string, std::string> cases{
      {"http.listen = 7080", "f.toml:1: http.listen: expected a text in quotes, not the number"},
      {"http = 3", "f.toml:1: http is a section, not a key: write [http]"},
      {"node.io_threads = \"two\"", "node.io_threads: expected a whole number, not the text"},
      {"node.io_threads = 1.5", "expected a whole number, not a number with a fraction"},
      {"node.io_threads = -1", "expected a whole number that is not negative"},
      {"node.data = \"x\"", "node.data: expected a list such as"},
      {"node.data = [1, 2]", "expected a list such as [\"a\", \"b\"], not a list of something"},
      {"node.data = [[\"x\"]]", "not a list of something else"},
      {"object.compress = \"yes\"", "expected true or false"},
      {"object.compress = 1", "expected true or false, not the number 1"},
      {"store.reserve = \"5%\"", "expected a number such as 0.05"},
      {"token.extension = 10", "expected a duration such as \"10 s\", not the number 10"},
      {"token.extension = 2020-01-01", "not a date or time"},
      {"limits.part = true", "expected a size such as \"64 KiB\", not true"},
      {"http.listen = { a = 1 }", "unknown key http.listen.a"},
  };
  for (const auto& [toml, message] : cases) {
    CAPTURE(toml);
    CHECK_THAT(error_of(toml), Contains(message));
  }
}

TEST_CASE("Bad units and values out of range say what is allowed") {
  const std::map<std::string, std::string> cases{
      {"limits.part = \"5 Gib\"", "f.toml:1: limits.part: '5 Gib' has an unknown unit"},
      {"limits.part = \"-5 GiB\"", "limits.part: "},
      {"limits.part = \"\"", "limits.part: "},
      {"token.extension = \"10\"", "has an unknown unit; use one of ms, s, m, h, d"},
      {"token.extension = \"ten s\"", "must start with digits"},
      {"token.extension = \"99999999999 d\"", "too large"},
      {"limits.part = 9223372036854775808", "limits.part: "},
      {"limits.parts = 10001", "limits.parts: must be from 1 to 10000, not 10001"},
      {"limits.parts = 0", "must be from 1 to 10000, not 0"},
      {"node.io_threads = 99999999999", "must be from 0 to 256"},
      {"store.reserve = 0.9", "must be from 0.0 to 0.5, not 0.9"},
      {"store.reserve = nan", "must be a finite number"},
      {"store.segment_size = \"2 GiB\"", "must be from 1 MiB to 1 GiB, not 2 GiB"},
      {"log.level = \"loud\"", "must be one of trace, debug, info, warn, error, not \"loud\""},
      {"log.format = \"xml\"", "must be one of auto, text, json"},
      {"object.erasure = \"4-2\"", "must be auto or K+M"},
      {"node.name = \"a/b\"", "node.name: must be 1 to 63 letters"},
      {"node.name = \"\"", "node.name: must be 1 to 63 letters"},
      {"node.data = []", "must name at least one directory"},
      {"node.data = [\"a\", \"a\"]", "names \"a\" twice"},
      {"node.data = [\"\"]", "must not contain an empty text"},
      {"tls.key = \"a\\u0000b\"", "must not contain a zero byte"},
      {"cors.allow_origin = \"https://a.b/path\"", "must be an origin such as"},
      {"cors.allow_origin = \"https://a\\r\\nX: y\"", "must be an origin such as"},
      {"cors.system_origins = [\"*\"]", "one by one"},
      {"auth.signing_key_files = [\"a\", \"b\", \"c\"]", "may name two files"},
  };
  for (const auto& [toml, message] : cases) {
    CAPTURE(toml);
    CHECK_THAT(error_of(toml), Contains(message));
  }
}

TEST_CASE("A listen address is a host and a port") {
  for (const char* good : {"127.0.0.1:0", "localhost:80", "[::1]:7080", "0.0.0.0:65535"}) {
    CAPTURE(good);
    CHECK(parse("http.listen = \"" + std::string(good) + "\"", "f").has_value());
  }
  for (const char* bad : {"", ":80", "80", "localhost", "localhost:", "localhost:x", "a:65536",
                          "::1:80", "[]:80", "[::1]", "a b:80", "a:-1", "a: 80"}) {
    CAPTURE(bad);
    CHECK_THAT(error_of("http.listen = \"" + std::string(bad) + "\""), Contains("http.listen: "));
  }
  CHECK(parse("metrics.listen = \"\"", "f").has_value());
}

TEST_CASE("Keys that do not fit together are refused where they were set") {
  const std::map<std::string, std::string> cases{
      {"tls.key = \"k.pem\"", "f.toml:1: tls.certificate: name both files or neither"},
      {"peer.key = \"k.pem\"", "f.toml:1: peer.certificate: name both files or neither"},
      {"peer.ca_file = \"k.pem\"", "f.toml:1: peer.certificate: name both files or neither"},
      {"\ntoken.renew_every = \"10 s\"", "f.toml:2: token.renew_every: must be shorter"},
      {"limits.upload = \"1 GiB\"", "f.toml:1: limits.part: "},
      {"object.unit = \"5000 B\"", "object.unit: must be a multiple of 4 KiB"},
      {"object.unit = \"96 KiB\"", "object.stripe: a stripe must be a whole number of units"},
      {"object.small_object = \"8 MiB\"", "object.small_object: must not be larger"},
      {"object.extent = \"5 MiB\"", "object.extent: an extent must be a whole number of stripes"},
      {"object.buffer_budget = \"5 MiB\"", "object.buffer_budget: must hold at least two"},
      {"store.segment_size = \"8 MiB\"", "store.segment_size: must hold at least four"},
      {"store.queue_bytes = \"5 MiB\"", "store.queue_bytes: must hold at least two"},
      {"metrics.listen = \"127.0.0.1:7080\"", "metrics.listen: must differ"},
      {"token.max_life = \"1 s\"", "token.max_life: must not be shorter"},
  };
  for (const auto& [toml, message] : cases) {
    CAPTURE(toml);
    CHECK_THAT(error_of(toml), Contains(message));
  }
}

}  // namespace
