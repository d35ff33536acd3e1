// Who may call: tokens in their places, and what a refusal costs.
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

const char* const kSystemRoutes[] = {"GET /api/server/signal",
                                     "GET /api/token/upload",
                                     "GET /api/token/download",
                                     "GET /api/file/info",
                                     "POST /api/file/upload/object",
                                     "GET /api/file/list",
                                     "DELETE /api/file",
                                     "GET /api/cluster/status",
                                     "GET /api/file/upload/finish",
                                     "PUT /api/file/upload/object",
                                     "POST /api/cluster/rebuild-metadata",
                                     "GET /api/cluster/rebuild-metadata"};
const char* const kUploadRoutes[] = {"POST /api/file/upload/single",
                                     "PUT /api/file/upload/single",
                                     "GET /api/file/upload/init",
                                     "POST /api/file/upload/init",
                                     "POST /api/file/upload/chuck?chuck=1",
                                     "PUT /api/file/upload/chuck?chuck=1",
                                     "POST /api/file/upload/chunk?chunk=1",
                                     "GET /api/file/upload/parts",
                                     "DELETE /api/file/upload"};
const char* const kDownloadRoutes[] = {"GET /api/file/upload/download", "GET /api/file/download"};

FakeExchange ask(std::string_view line) {
  std::size_t space = line.find(' ');
  return FakeExchange(line.substr(0, space), line.substr(space + 1));
}

}  // namespace

TEST_CASE("calls of the back end need the system token") {
  Fixture api;
  for (const char* line : kSystemRoutes) {
    INFO(line);
    FakeExchange without = ask(line);
    check_refusal(api.run(without), 401, 5303);
    CHECK(without.answer_header("WWW-Authenticate") == "Mas");
    FakeExchange wrong = ask(line);
    wrong.header("systemToken", "guess").send_body("bytes");
    check_refusal(api.run(wrong), 401, 5303);
    CHECK_FALSE(wrong.body_touched());
  }
}

TEST_CASE("a token is needed, and checked before the body is read") {
  Fixture api;
  for (const char* line : kUploadRoutes) {
    INFO(line);
    FakeExchange without = ask(line);
    check_refusal(api.run(without), 401, 5301);
    FakeExchange empty = ask(line);
    empty.header("token", "");
    check_refusal(api.run(empty), 401, 5301);
    FakeExchange forged = ask(line);
    forged.header("token", "forged").send_body("bytes");
    check_refusal(api.run(forged), 401, 5301);
    CHECK_FALSE(forged.body_touched());
  }
  CHECK(api.authority.uses == 0);
}

TEST_CASE("an upload token never downloads, a download token never uploads") {
  Fixture api;
  Hash hash = api.objects.add("abc", "a.txt");
  api.token("up", auth::TokenType::upload, hash);
  api.token("down", auth::TokenType::download, hash);
  for (const char* line : kUploadRoutes) {
    INFO(line);
    FakeExchange exchange = ask(line);
    exchange.header("token", "down").send_body("abc");
    check_refusal(api.run(exchange), 403, 5301);
    CHECK_FALSE(exchange.body_touched());
  }
  for (const char* line : kDownloadRoutes) {
    FakeExchange exchange = ask(line);
    exchange.header("token", "up");
    check_refusal(api.run(exchange), 403, 5301);
  }
}

TEST_CASE("finish needs both tokens") {
  Fixture api;
  Hash hash = api.objects.add("abc", "a.txt");
  api.token("up", auth::TokenType::upload, hash);
  FakeExchange only_token("GET", "/api/file/upload/finish");
  only_token.header("token", "up");
  check_refusal(api.run(only_token), 401, 5303);
  CHECK(api.authority.uses == 0);
  FakeExchange only_system("GET", "/api/file/upload/finish");
  only_system.header("systemToken", "system");
  check_refusal(api.run(only_system), 401, 5301);
  FakeExchange both("POST", "/api/file/upload/finish");
  both.header("systemToken", "system").header("token", "up");
  CHECK(api.run(both).status() == 200);
}

TEST_CASE("a doubled token header is malformed, whatever it holds") {
  Fixture api;
  Hash hash = api.objects.add("abc", "a.txt");
  api.token("down", auth::TokenType::download, hash);
  FakeExchange token("GET", "/api/file/download");
  token.header("token", "down").header("Token", "down");
  check_refusal(api.run(token), 400, 5205);
  FakeExchange system("GET", "/api/file/list");
  system.header("systemToken", "system").header("systemtoken", "system");
  check_refusal(api.run(system), 400, 5205);
  CHECK(api.authority.uses == 0);
}

TEST_CASE("the token may stand in the query of a download and nowhere else") {
  Fixture api;
  Hash hash = api.objects.add("abc", "a.txt");
  api.token("down", auth::TokenType::download, hash);
  api.token("up", auth::TokenType::upload, hash);
  FakeExchange link("GET", "/api/file/download?token=down");
  CHECK(api.run(link).answer_body() == "abc");
  FakeExchange head("HEAD", "/api/file/upload/download?token=down");
  CHECK(api.run(head).status() == 200);
  FakeExchange agreeing("GET", "/api/file/download?token=down");
  agreeing.header("token", "down");
  CHECK(api.run(agreeing).status() == 200);
  FakeExchange differing("GET", "/api/file/download?token=down");
  differing.header("token", "other");
  check_refusal(api.run(differing), 400, 5205);
  FakeExchange upload("GET", "/api/file/upload/init?token=up");
  check_refusal(api.run(upload), 401, 5301);
  FakeExchange system("GET", "/api/file/list?systemToken=system");
  check_refusal(api.run(system), 401, 5303);
}

TEST_CASE("a token for one hash is refused where the query names another") {
  Fixture api;
  Hash hash = api.objects.add("abc", "a.txt");
  api.token("down", auth::TokenType::download, hash);
  FakeExchange other("GET", "/api/file/download?hash=" + std::string(64, '0'));
  other.header("token", "down");
  check_refusal(api.run(other), 401, 5301);
  FakeExchange same("GET", "/api/file/download?hash=" + hash.hex());
  same.header("token", "down");
  CHECK(api.run(same).status() == 200);
  FakeExchange bad("GET", "/api/file/download?hash=12");
  bad.header("token", "down");
  check_refusal(api.run(bad), 400, 5402);
}

TEST_CASE("too many refused tokens from one address are 429, good ones go on") {
  Fixture api;
  api.authority.refusals_allowed = 2;
  Hash hash = api.objects.add("abc", "a.txt");
  api.token("down", auth::TokenType::download, hash);
  auto guess = [&](int status, int code) {
    FakeExchange exchange("GET", "/api/file/download");
    exchange.header("token", "guess");
    check_refusal(api.run(exchange), status, code);
    return exchange.answer_header("Retry-After");
  };
  CHECK(guess(401, 5301).empty());
  guess(401, 5301);
  CHECK(guess(429, 5916) == "1");
  FakeExchange good("GET", "/api/file/download");
  good.header("token", "down");
  CHECK(api.run(good).status() == 200);
  FakeExchange system("GET", "/api/file/list");
  check_refusal(api.run(system), 429, 5916);
}

TEST_CASE("refusals are counted by reason") {
  Fixture api;
  Hash hash = api.objects.add("abc", "a.txt");
  api.token("up", auth::TokenType::upload, hash);
  FakeExchange wrong_type("GET", "/api/file/download");
  wrong_type.header("token", "up");
  api.run(wrong_type);
  FakeExchange system("GET", "/api/file/list");
  api.run(system);
  std::string text = api.metrics.text();
  CHECK(text.find("mas_token_refusals_total{reason=\"token_wrong_type\"} 1") != std::string::npos);
  CHECK(text.find("mas_token_refusals_total{reason=\"system_token_invalid\"} 1") !=
        std::string::npos);
  CHECK(text.find("mas_build_info{version=") != std::string::npos);
}

TEST_CASE("a ledger that cannot be reached is 503 and counts against nobody") {
  Fixture api;
  api.authority.fail["begin"] = Error(Code::ledger_unavailable, "The ledger is away; try later.");
  FakeExchange exchange("GET", "/api/file/download");
  exchange.header("token", "any");
  check_refusal(api.run(exchange), 503, 5101);
  CHECK(exchange.answer_header("Retry-After") == "2");
  CHECK(api.authority.refusals == 0);
}

TEST_CASE("a token with too many requests at once is 429") {
  Fixture api;
  api.authority.fail["begin"] = Error(Code::too_many_requests, "Too many at once; wait.");
  FakeExchange exchange("GET", "/api/file/download");
  exchange.header("token", "any");
  check_refusal(api.run(exchange), 429, 5916);
}
