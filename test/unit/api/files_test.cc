// info, list, delete and the minting of tokens.
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

struct Files : Fixture {
  FakeExchange ask(std::string_view target, std::string_view method = "GET") {
    FakeExchange exchange(method, target);
    exchange.header("systemToken", "system");
    run(exchange);
    return exchange;
  }
};

}  // namespace

TEST_CASE("info gives the record of a stored file") {
  Files api;
  Hash hash = api.objects.add("hello", "a.txt");
  FakeExchange exchange = api.ask("/api/file/info?hash=" + hash.hex());
  CHECK(boost::json::serialize(data_of(exchange)) ==
        R"({"size":5,"name":"a.txt","hash":")" + hash.hex() +
            R"(","persistence":true,"create_time":1000,"server_ip":null})");
}

TEST_CASE("info of an open upload says what is stored so far") {
  Files api;
  meta::Upload upload;
  upload.id.bytes.fill(1);
  upload.hash.bytes.fill(2);
  upload.name = "open.bin";
  upload.created = 900;
  auto open = api.meta->open(upload);
  REQUIRE(run_blocking_for(std::move(open)).has_value());
  FakeExchange exchange = api.ask("/api/file/info?hash=" + upload.hash.hex());
  CHECK(exchange.status() == 200);
  CHECK(field_of(exchange, "persistence") == "false");
  CHECK(field_of(exchange, "name") == "\"open.bin\"");
  CHECK(field_of(exchange, "create_time") == "900");
}

TEST_CASE("info of an unknown or malformed hash is refused") {
  Files api;
  check_refusal(api.ask("/api/file/info?hash=" + std::string(64, '0')), 404, 5407);
  check_refusal(api.ask("/api/file/info"), 400, 5204);
  check_refusal(api.ask("/api/file/info?hash=12"), 400, 5402);
  api.objects.fail["find"] = Error(Code::metadata_unavailable, "Away; try later.");
  check_refusal(api.ask("/api/file/info?hash=" + std::string(64, '0')), 503, 5501);
}

TEST_CASE("the list comes in pages with a cursor") {
  Files api;
  for (const char* text : {"a", "b", "c"}) api.objects.add(text, text);
  FakeExchange first = api.ask("/api/file/list?limit=2");
  auto page = data_of(first).as_object();
  CHECK(page.at("files").as_array().size() == 2);
  std::string next(page.at("next").as_string());
  CHECK(next.size() == 64);
  auto rest = data_of(api.ask("/api/file/list?limit=2&after=" + next)).as_object();
  CHECK(rest.at("files").as_array().size() == 1);
  CHECK(rest.at("next").as_string().empty());
}

TEST_CASE("what a list asks for reaches the metadata") {
  Files api;
  api.ask("/api/file/list?prefix=AbC&name_contains=x%20y");
  CHECK(api.objects.last_list.hex_prefix == "abc");
  CHECK(api.objects.last_list.name_contains == "x y");
  CHECK(api.objects.last_list.limit == 100);
  CHECK_FALSE(api.objects.last_list.after.has_value());
  CHECK_FALSE(api.objects.last_list.include_condemned);
}

TEST_CASE("a list with malformed parameters is refused") {
  Files api;
  for (const std::string& query :
       {std::string("limit=0"), std::string("limit=1001"), std::string("limit=x"),
        std::string("prefix=xyz"), "prefix=" + std::string(65, 'a'), std::string("after=12"),
        std::string("name_contains=%FF"), std::string("name_contains=%0A")}) {
    INFO(query);
    check_refusal(api.ask("/api/file/list?" + query), 400, 5205);
  }
  api.objects.fail["list"] = Error(Code::corrupt, "Bad record.");
  check_refusal(api.ask("/api/file/list"), 500, 5414);
  api.objects.fail["list"] = Error(Code::metadata_unavailable, "Away; try later.");
  check_refusal(api.ask("/api/file/list"), 503, 5501);
}

TEST_CASE("delete is seen at once, and only once") {
  Files api;
  Hash hash = api.objects.add("hello", "a.txt");
  CHECK(api.ask("/api/file?hash=" + hash.hex(), "DELETE").status() == 200);
  check_refusal(api.ask("/api/file?hash=" + hash.hex(), "DELETE"), 404, 5407);
  check_refusal(api.ask("/api/file/info?hash=" + hash.hex()), 404, 5407);
  check_refusal(api.ask("/api/file", "DELETE"), 400, 5204);
}

TEST_CASE("a minted upload token carries what was asked for") {
  Files api;
  std::string hash(64, 'a');
  FakeExchange exchange =
      api.ask("/api/token/upload?hash=" + hash + "&session=s1&max_size=10&instant=0");
  CHECK(boost::json::serialize(data_of(exchange)) == R"({"token":"minted"})");
  const auth::Claims& claims = api.authority.minted;
  CHECK(claims.type == auth::TokenType::upload);
  CHECK(claims.hash.hex() == hash);
  CHECK(claims.session == "s1");
  CHECK(claims.max_size == 10);
  CHECK(claims.instant == false);
  api.ask("/api/token/upload?hash=" + hash);
  CHECK(api.authority.minted.session.empty());
  CHECK_FALSE(api.authority.minted.max_size.has_value());
  CHECK_FALSE(api.authority.minted.instant.has_value());
}

TEST_CASE("a minted download token carries what was asked for") {
  Files api;
  std::string hash(64, 'a');
  api.ask("/api/token/download?hash=" + hash + "&name=b.png&inline=1");
  const auth::Claims& claims = api.authority.minted;
  CHECK(claims.type == auth::TokenType::download);
  CHECK(claims.name == "b.png");
  CHECK(claims.inline_disposition);
}

TEST_CASE("tokens are not minted from malformed parameters") {
  Files api;
  std::string hash = "hash=" + std::string(64, 'a');
  check_refusal(api.ask("/api/token/upload"), 400, 5204);
  check_refusal(api.ask("/api/token/download?hash=zz"), 400, 5402);
  for (const std::string& query :
       {"/api/token/upload?" + hash + "&max_size=-1", "/api/token/upload?" + hash + "&instant=2",
        "/api/token/upload?" + hash + "&session=" + std::string(257, 's'),
        "/api/token/upload?" + hash + "&session=%00", "/api/token/download?" + hash + "&inline=yes",
        "/api/token/download?" + hash + "&name=..%2Fx",
        "/api/token/download?" + hash + "&name=%0D%0A"}) {
    INFO(query);
    check_refusal(api.ask(query), 400, 5205);
  }
  api.authority.fail["mint"] = Error(Code::key, "No signing key; name one.");
  check_refusal(api.ask("/api/token/upload?" + hash), 500, 5001);
}
