// What stands in answers: records, errors, ranges, the status of the cluster.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "app/client/api_client.h"
#include "app/client/json_values.h"
#include "app/client/status.h"

namespace {

using Catch::Matchers::Contains;
using namespace mas::app;

std::string record(const std::string& size, const std::string& more = "") {
  return R"({"size":)" + size + R"(,"name":"n","hash":")" + std::string(64, 'a') +
         R"(","persistence":true,"create_time":5,"server_ip":null)" + more + "}";
}

TEST_CASE("A record is read") {
  auto info = parse_file_info(boost::json::parse(record("7")));
  REQUIRE(info.has_value());
  CHECK(info->size == 7);
  CHECK(info->name == "n");
  CHECK(info->created == 5);
  CHECK(info->stored);
}

TEST_CASE("What is no record is refused") {
  for (std::string bad :
       {std::string("null"), std::string("[]"), std::string("{}"), record("-1"), record("\"7\""),
        record("1e99"), record("null"), std::string(R"({"size":1,"name":"n","hash":"zz"})")}) {
    CAPTURE(bad);
    CHECK(parse_file_info(boost::json::parse(bad)).has_error());
  }
}

TEST_CASE("An error envelope gives its code and sentence, anything else says what it is") {
  mas::Error error = parse_failure(404, R"({"status":false,"code":5407,"msg":"No.","data":null})");
  CHECK(error.code() == mas::Code::no_such_file);
  CHECK(error.message() == "No.");
  for (std::string bad : {"", "<html>", "[]", "{}", R"({"code":"x","msg":"y"})", R"({"code":1})"}) {
    CAPTURE(bad);
    CHECK_THAT(parse_failure(502, bad).message(), Contains("status 502"));
  }
}

TEST_CASE("A content range must start where it was asked to and reach the end") {
  CHECK(parse_content_range("bytes 5-9/10", 5) == 10);
  CHECK(parse_content_range("bytes 0-0/1", 0) == 1);
  for (const char* bad :
       {"", "bytes", "bytes 5-9", "bytes */10", "bytes 4-9/10", "bytes 5-8/10", "bytes 5-9/x",
        "bytes -9/10", "bytes 5/10-9", "items 5-9/10", "bytes 5-9/10 ", "bytes 9-5/6"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_content_range(bad, 5).has_value());
  }
}

boost::json::value status(const std::string& state, const std::string& lost,
                          const std::string& writable) {
  return boost::json::parse(
      R"({"pods":[{"name":"mas-0","self":true,"state":")" + state +
      R"(","api":"h:1","zone":"","version":"mas 1","capacity":1048576,"used":2048}],)"
      R"("layout":{"version":1,"members":1},)"
      R"("profile":"1+0","summary":"survives 0 pod losses","redundancy":[{"lost":0,"stripes":9},)"
      R"({"lost":1,"stripes":)" +
      lost +
      R"(}],"workers":[{"name":"scrub","paused":true,"running":false,"progress":0.5,)"
      R"("done":3,"last_error":"","next_run":0}],"capacity":{"total":1048576,"free":1024,)"
      R"("stored":5,"live":5,"records":9,"segments":1,"writable":)" +
      writable + R"(,"not_writable_reason":"full"}})");
}

TEST_CASE("What a pod does not say, or says otherwise than expected, reads as nothing") {
  const auto answer = boost::json::parse(
      R"({"s":"a\u001bb","n":3,"negative":-1,"yes":true,"half":0.509,"list":[1,2],"null":null})");
  CHECK(text(at(answer, "s")) == "a\\x1bb");
  CHECK(text(at(answer, "n")) == "3");
  CHECK(text(at(answer, "yes")) == "yes");
  CHECK(text(at(answer, "missing")) == "-");
  CHECK(text(at(answer, "null"), "").empty());
  CHECK(at(at(answer, "n"), "s").is_null());
  CHECK(number(at(answer, "n")) == 3);
  CHECK(number(at(answer, "negative")) == 0);
  CHECK(number(at(answer, "s")) == 0);
  CHECK(percent(at(answer, "half")) == 50);
  CHECK_FALSE(percent(at(answer, "s")));
  CHECK(list(at(answer, "list")).size() == 2);
  CHECK(list(at(answer, "n")).empty());
  CHECK(is_true(at(answer, "yes")));
  CHECK_FALSE(is_true(at(answer, "n")));
}

TEST_CASE("A cluster is healthy if its pods are up, its stripes whole and its store writes") {
  CHECK(unhealthy_because(status("active", "0", "true")).empty());
  CHECK_THAT(unhealthy_because(status("down", "0", "true")), Contains("mas-0 is down"));
  CHECK_THAT(unhealthy_because(status("active", "2", "true")), Contains("2 stripes"));
  CHECK_THAT(unhealthy_because(status("active", "0", "false")), Contains("does not write (full)"));
  CHECK_FALSE(unhealthy_because(boost::json::parse("{}")).empty());
  CHECK_FALSE(unhealthy_because(boost::json::parse("[]")).empty());
}

TEST_CASE("The status reads at a glance") {
  std::string text = status_text(status("active", "0", "true"));
  CHECK_THAT(text, Catch::StartsWith("healthy, survives 0 pod losses, profile 1+0\n"));
  CHECK_THAT(text, Contains("mas-0  active  2.0 KiB of 1.0 MiB  h:1"));
  CHECK_THAT(text, Contains("disk of mas-0   1.0 KiB free of 1.0 MiB"));
  CHECK_THAT(text, Contains("scrub   paused  50 %      3     -"));
  CHECK(text.find("beyond repair") == std::string::npos);
  boost::json::value hurt = status("active", "2", "true");
  hurt.as_object()["ledger"] = {
      {"walked", 5}, {"beyond_repair", 2}, {"unexplained", 3}, {"strays", 4}};
  CHECK_THAT(status_text(hurt), Contains("2 stripes are beyond repair"));
  CHECK_THAT(status_text(hurt), Contains("3 shards that nothing refers to"));
  CHECK_THAT(status_text(hurt), Contains("4 shards that belong to other pods"));
  hurt.as_object()["left"] =
      boost::json::parse(R"([{"name":"mas-3","there":false},{"name":"mas-4","there":true}])");
  hurt.as_object()["waiting"] = boost::json::parse(R"(["mas-3 has left."])");
  CHECK_THAT(status_text(hurt), Contains("mas-3, with data that may still be needed; it is away"));
  CHECK_THAT(status_text(hurt), Contains("mas-4, with data that may still be needed; it is back"));
  CHECK_THAT(status_text(hurt), Contains("mas-3 has left."));
  boost::json::value half = status("active", "0", "true");
  half.at("capacity").as_object()["stopped"] = boost::json::parse(R"(["/b: It has stopped."])");
  CHECK_THAT(status_text(half), Catch::StartsWith("not healthy: /b: It has stopped."));
  CHECK_THAT(status_text(half), Contains("stopped of mas-0"));
  CHECK_THAT(status_text(boost::json::parse("null")), Catch::StartsWith("not healthy"));
}

}  // namespace
