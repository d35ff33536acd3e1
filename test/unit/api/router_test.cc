#include "api/router.h"

#include <set>

#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

TEST_CASE("openapi.json lists exactly the routes of the router") {
  auto document = boost::json::parse(api::openapi_document()).as_object();
  std::set<std::string> described;
  for (const auto& path : document.at("paths").as_object()) {
    for (const auto& operation : path.value().as_object()) {
      described.insert(std::string(operation.key()) + " " + std::string(path.key()));
    }
  }
  std::set<std::string> routed;
  for (const api::RouteInfo& route : api::routes()) {
    std::string method(http::method_name(route.method));
    for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    CHECK(routed.insert(method + " " + route.path).second);
  }
  CHECK(described == routed);
}

TEST_CASE("openapi.json is served as it was compiled in") {
  Fixture api;
  FakeExchange exchange("GET", "/openapi.json");
  api.run(exchange);
  CHECK(exchange.status() == 200);
  CHECK(exchange.answer_header("Content-Type") == "application/json");
  CHECK(exchange.answer_body() == api::openapi_document());
}

TEST_CASE("an unknown route is 404 with code 5910") {
  Fixture api;
  for (const char* path : {"/", "/api", "/api/file/", "/api/file/info/", "/API/file/info",
                           "//healthz", "/api/file/upload/../info", "/healthz/.."}) {
    FakeExchange exchange("GET", path);
    check_refusal(api.run(exchange), 404, 5910);
    CHECK(exchange.route == "-");
  }
  FakeExchange options("OPTIONS", "/nowhere");
  check_refusal(api.run(options), 404, 5910);
}

TEST_CASE("a wrong method is 405 with code 5911 and names the right ones") {
  Fixture api;
  FakeExchange info("POST", "/api/file/info");
  check_refusal(api.run(info), 405, 5911);
  CHECK(info.answer_header("Allow") == "GET, OPTIONS");
  CHECK(info.route == "/api/file/info");
  FakeExchange download("DELETE", "/api/file/upload/download");
  check_refusal(api.run(download), 405, 5911);
  CHECK(download.answer_header("Allow") == "GET, HEAD, OPTIONS");
  FakeExchange strange("BREW", "/api/file/upload/single");
  check_refusal(api.run(strange), 405, 5911);
  CHECK(strange.answer_header("Allow") == "POST, PUT, OPTIONS");
  FakeExchange head("HEAD", "/healthz");
  CHECK(api.run(head).status() == 405);
}

TEST_CASE("the route's pattern is noted for the log and the metrics") {
  Fixture api;
  FakeExchange exchange("GET", "/api/file/info?hash=secret");
  api.run(exchange);
  CHECK(exchange.route == "/api/file/info");
  CHECK(exchange.wire_code == 5303);
}

TEST_CASE("a malformed query is refused before anything else is done") {
  Fixture api;
  for (const char* query : {"hash=%zz", "hash=%", "hash=a%00b", "hash=a&hash=b"}) {
    FakeExchange exchange("GET", std::string("/api/file/info?") + query);
    exchange.header("systemToken", "system");
    check_refusal(api.run(exchange), 400, 5205);
  }
}

TEST_CASE("errors found before there is a request get the envelope too") {
  Fixture api;
  auto [head, body] = api.handler().early_error(
      Error(Code::head_too_large, "The headers are too large."), "0123456789abcdef");
  CHECK(head.status == 431);
  CHECK(head.headers.get("Access-Control-Allow-Origin") == "*");
  auto fields = boost::json::parse(body).as_object();
  CHECK(fields.at("code").to_number<int>() == 5913);
  CHECK(fields.at("status").as_bool() == false);
  CHECK(fields.at("data").is_null());
}

TEST_CASE("every public code has the status of the contract") {
  Fixture api;
  const std::vector<std::tuple<Code, int, int>> table{
      {Code::body_unreadable, 400, 5201},
      {Code::wrong_length, 400, 5203},
      {Code::parameter_missing, 400, 5204},
      {Code::parameter_malformed, 400, 5205},
      {Code::hash_malformed, 400, 5402},
      {Code::token_invalid, 401, 5301},
      {Code::system_token_invalid, 401, 5303},
      {Code::token_wrong_type, 403, 5301},
      {Code::no_such_file, 404, 5407},
      {Code::no_such_route, 404, 5910},
      {Code::method_not_allowed, 405, 5911},
      {Code::sender_too_slow, 408, 5912},
      {Code::upload_not_open, 409, 5410},
      {Code::already_stored, 409, 5411},
      {Code::parts_missing, 409, 5413},
      {Code::body_too_large, 413, 5412},
      {Code::uri_too_long, 414, 5913},
      {Code::head_too_large, 431, 5913},
      {Code::unsupported_media_type, 415, 5914},
      {Code::range_unsatisfiable, 416, 5915},
      {Code::expectation_failed, 417, 5917},
      {Code::not_implemented, 501, 5917},
      {Code::hash_mismatch, 422, 5403},
      {Code::too_many_requests, 429, 5916},
      {Code::too_few_pods_write, 503, 5002},
      {Code::ledger_unavailable, 503, 5101},
      {Code::ledger_refused, 503, 5102},
      {Code::metadata_unavailable, 503, 5501},
      {Code::too_few_pods_read, 503, 5701},
      {Code::broker_unavailable, 503, 5801},
      {Code::busy, 503, 5901},
      {Code::disk_full, 507, 5902},
      {Code::internal, 500, 5000},
      {Code::key, 500, 5001},
      {Code::file_unreadable, 500, 5401},
      {Code::damaged, 500, 5404},
      {Code::download_failed, 500, 5409},
      {Code::list_failed, 500, 5414},
      {Code::compress, 500, 5601},
      {Code::decompress, 500, 5602},
      {Code::io, 500, 5000},
      {Code::conflict, 500, 5000},
  };
  for (const auto& [code, status, number] : table) {
    auto [head, body] = api.handler().early_error(Error(code, "A sentence."), "0");
    auto fields = boost::json::parse(body).as_object();
    CAPTURE(status, number);
    CHECK(head.status == status);
    CHECK(fields.at("code").to_number<int>() == number);
    CHECK(head.headers.get("Retry-After").has_value() ==
          (status == 503 || status == 507 || status == 429));
    CHECK(head.headers.get("WWW-Authenticate").has_value() == (number == 5303));
  }
}

TEST_CASE("an internal error's own words never reach a client") {
  Fixture api;
  for (Code code : {Code::io, Code::corrupt, Code::internal, Code::invalid_argument}) {
    auto [head, body] = api.handler().early_error(Error(code, "open /secret/path: EIO"), "0");
    CHECK(body.find("secret") == std::string::npos);
    CHECK(body.find("Mas-Request-Id") != std::string::npos);
  }
}
