#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

TEST_CASE("OPTIONS on any route is 204 without a token and extends none") {
  Fixture api;
  for (const api::RouteInfo& route : api::routes()) {
    FakeExchange exchange("OPTIONS", route.path + "?hash=%zz");
    exchange.header("Origin", "https://page.example").header("token", "any");
    INFO(route.path);
    CHECK(api.run(exchange).status() == 204);
    CHECK(exchange.answer_body().empty());
    CHECK(exchange.answer_header("Access-Control-Allow-Origin") == "*");
    CHECK(exchange.answer_header("Access-Control-Allow-Headers") ==
          "token, name, Content-Type, Content-Digest, Range, If-Range, If-None-Match");
    std::string methods = exchange.answer_header("Access-Control-Allow-Methods");
    CHECK(methods.find(http::method_name(route.method)) != std::string::npos);
    CHECK(exchange.count_header("Access-Control-Allow-Credentials") == 0);
  }
  CHECK(api.authority.uses == 0);
}

TEST_CASE("only a listed origin may send the system token") {
  Fixture api;
  api.config.cors.system_origins = {"https://admin.example"};
  auto allowed = [&](const char* origin) {
    FakeExchange exchange("OPTIONS", "/api/file/list");
    exchange.header("Origin", origin);
    api.run(exchange);
    CHECK(exchange.answer_header("Vary") == "Origin");
    return exchange.answer_header("Access-Control-Allow-Headers").find("systemToken") !=
           std::string::npos;
  };
  CHECK(allowed("https://admin.example"));
  CHECK_FALSE(allowed("https://admin.example.evil"));
  CHECK_FALSE(allowed("http://admin.example"));
  CHECK_FALSE(allowed("null"));
}

TEST_CASE("every answer may be read by pages, errors included") {
  Fixture api;
  for (const char* target : {"/healthz", "/nowhere", "/api/file/list", "/metrics"}) {
    FakeExchange exchange("GET", target);
    api.run(exchange);
    INFO(target);
    CHECK(exchange.answer_header("Access-Control-Allow-Origin") == "*");
    CHECK(exchange.answer_header("Access-Control-Expose-Headers") ==
          "ETag, Content-Range, Accept-Ranges, Content-Disposition, Retry-After, Mas-Request-Id, "
          "Mas-Durable, Mas-Survives");
    CHECK(exchange.count_header("Access-Control-Allow-Credentials") == 0);
  }
}

TEST_CASE("a configured origin is named; a system origin beside it is echoed") {
  Fixture api;
  api.config.cors.allow_origin = "https://shop.example";
  api.config.cors.system_origins = {"https://admin.example"};
  auto origin_for = [&](const char* origin) {
    FakeExchange exchange("GET", "/healthz");
    exchange.header("Origin", origin);
    return api.run(exchange).answer_header("Access-Control-Allow-Origin");
  };
  CHECK(origin_for("https://shop.example") == "https://shop.example");
  CHECK(origin_for("https://evil.example") == "https://shop.example");
  CHECK(origin_for("https://admin.example") == "https://admin.example");
  FakeExchange exchange("GET", "/healthz");
  CHECK(api.run(exchange).answer_header("Vary") == "Origin");
}
