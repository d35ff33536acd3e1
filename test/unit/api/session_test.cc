// Resumable uploads over the wire: init, parts, finish.
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

struct Sessions : Fixture {
  Hash hash = codec::sha256(as_bytes("hello"));
  Sessions() { token("up", auth::TokenType::upload, hash); }
  FakeExchange ask(std::string_view method, std::string_view call, std::string body = "") {
    FakeExchange exchange(method, "/api/file/upload" + std::string(call));
    exchange.header("token", "up").header("systemToken", "system").send_body(std::move(body));
    run(exchange);
    return exchange;
  }
};

}  // namespace

TEST_CASE("a file in two parts goes from init to finish") {
  Sessions api;
  FakeExchange init = api.ask("GET", "/init?name=a.txt");
  CHECK(init.status() == 200);
  CHECK(field_of(init, "persistence") == "false");
  CHECK(field_of(init, "size") == "0");
  FakeExchange second = api.ask("POST", "/chuck?chuck=2", "lo");
  CHECK(second.status() == 200);
  CHECK(boost::json::serialize(data_of(second)) == R"({"speed":1,"status":"success"})");
  CHECK(boost::json::serialize(data_of(api.ask("PUT", "/chunk?chunk=1", "hel"))) ==
        R"({"speed":2,"status":"success"})");
  FakeExchange finish = api.ask("GET", "/finish");
  CHECK(finish.status() == 200);
  CHECK(field_of(finish, "persistence") == "true");
  CHECK(field_of(finish, "name") == "\"a.txt\"");
  CHECK(finish.answer_header("Mas-Durable") == "1/1");
  FakeExchange again = api.ask("POST", "/finish");
  CHECK(again.status() == 200);
  CHECK(field_of(again, "name") == "\"a.txt\"");
}

TEST_CASE("init on stored content answers that nothing is to be sent, in the caller's own name") {
  Sessions api;
  api.objects.add("hello", "private.txt");
  FakeExchange init = api.ask("POST", "/init?name=mine.txt");
  CHECK(field_of(init, "persistence") == "true");
  CHECK(field_of(init, "size") == "5");
  CHECK(field_of(init, "name") == "\"mine.txt\"");
  CHECK(field_of(init, "create_time") == "5000");
  FakeExchange unnamed = api.ask("GET", "/init");
  CHECK(field_of(unnamed, "name") == "\"" + api.hash.hex() + "\"");
}

TEST_CASE("with instant=0 nothing tells that the content is stored") {
  Sessions api;
  api.objects.add("hello", "private.txt");
  api.authority.tokens["up"].instant = false;
  CHECK(field_of(api.ask("GET", "/init"), "persistence") == "false");
  api.objects.sessions.clear();
  check_refusal(api.ask("POST", "/chuck?chuck=1", "hello"), 409, 5410);
  api.authority.tokens["up"].instant = std::nullopt;
  check_refusal(api.ask("POST", "/chuck?chuck=1", "hello"), 409, 5411);
}

TEST_CASE("the configuration says what a token without instant does") {
  Sessions api;
  api.config.token.instant = false;
  api.objects.add("hello", "private.txt");
  CHECK(field_of(api.ask("GET", "/init"), "persistence") == "false");
}

TEST_CASE("init may have its name in a form") {
  Sessions api;
  auto named = [&](const char* type, std::string body) {
    FakeExchange exchange("POST", "/api/file/upload/init");
    exchange.header("token", "up").header("Content-Type", type).send_body(std::move(body));
    CHECK(api.run(exchange).status() == 200);
    return field_of(exchange, "name");
  };
  CHECK(named("application/x-www-form-urlencoded", "x=1&name=a+b.txt") == "\"a b.txt\"");
  CHECK(named("multipart/form-data; boundary=X",
              "--X\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nc.txt\r\n--X--\r\n") ==
        "\"c.txt\"");
  std::string part = "--X\r\nContent-Disposition: form-data; name=\"";
  CHECK(named("multipart/form-data; boundary=X",
              part + "file\"\r\n\r\nbytes\r\n" + part + "name\"\r\n\r\nd.txt\r\n--X--\r\n") ==
        "\"d.txt\"");
  FakeExchange file("POST", "/api/file/upload/init");
  file.header("token", "up")
      .header("Content-Type", "multipart/form-data; boundary=X")
      .send_body(part + "file\"\r\n\r\n" + std::string(70'000, 'x') + "\r\n--X--\r\n");
  check_refusal(api.run(file), 413, 5412);
  FakeExchange two("POST", "/api/file/upload/init");
  two.header("token", "up")
      .header("Content-Type", "application/x-www-form-urlencoded")
      .send_body("name=a&name=b");
  check_refusal(api.run(two), 400, 5205);
  FakeExchange large("POST", "/api/file/upload/init");
  large.header("token", "up")
      .header("Content-Type", "application/x-www-form-urlencoded")
      .send_body("x=" + std::string(70'000, 'x'));
  check_refusal(api.run(large), 413, 5412);
}

TEST_CASE("finish may have its name in a form") {
  Sessions api;
  api.ask("GET", "/init?name=a.txt");
  api.ask("POST", "/chuck?chuck=1", "hello");
  FakeExchange finish("POST", "/api/file/upload/finish");
  finish.header("token", "up")
      .header("systemToken", "system")
      .header("Content-Type", "application/x-www-form-urlencoded")
      .send_body("name=b.txt");
  CHECK(api.run(finish).status() == 200);
  CHECK(field_of(finish, "name") == "\"b.txt\"");
}

TEST_CASE("a part's number is from 1 to 10,000") {
  Sessions api;
  api.ask("GET", "/init");
  for (const char* call :
       {"/chuck?chuck=0", "/chuck?chuck=10001", "/chuck?chuck=-1", "/chuck?chuck=a",
        "/chuck?chuck=", "/chunk?chunk=1.5", "/chuck?chuck=1&chunk=1"}) {
    FakeExchange exchange = api.ask("POST", call, "hel");
    INFO(call);
    check_refusal(exchange, 400, 5205);
    CHECK_FALSE(exchange.body_touched());
  }
  check_refusal(api.ask("POST", "/chuck", "hel"), 400, 5204);
  CHECK(api.ask("POST", "/chuck?chuck=10000", "hel").status() == 200);
}

TEST_CASE("a part without a session is 409, its body unread even in a form") {
  Sessions api;
  FakeExchange exchange("POST", "/api/file/upload/chuck?chuck=1");
  exchange.header("token", "up")
      .header("Content-Type", "multipart/form-data; boundary=X")
      .send_body("--X\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhel\r\n--X--\r\n");
  check_refusal(api.run(exchange), 409, 5410);
  CHECK_FALSE(exchange.body_touched());
  check_refusal(api.ask("GET", "/parts"), 409, 5410);
  check_refusal(api.ask("GET", "/finish"), 409, 5410);
}

TEST_CASE("a part is bounded by the part limit and by the token's max_size") {
  Sessions api;
  api.config.limits.part = 4;
  api.ask("GET", "/init");
  FakeExchange large = api.ask("POST", "/chuck?chuck=1", "hello");
  check_refusal(large, 413, 5412);
  CHECK_FALSE(large.body_touched());
  api.authority.tokens["up"].max_size = 3;
  check_refusal(api.ask("POST", "/chuck?chuck=1", "hell"), 413, 5412);
  CHECK(api.ask("POST", "/chuck?chuck=1", "hel").status() == 200);
  CHECK(api.objects.last_part.max_total == 3);
  check_refusal(api.ask("GET", "/init?size=4"), 413, 5412);
}

TEST_CASE("a part's Content-Digest is verified before the part counts") {
  Sessions api;
  api.ask("GET", "/init");
  auto send = [&](const char* digest) {
    FakeExchange exchange("POST", "/api/file/upload/chuck?chuck=1");
    exchange.header("token", "up").header("Content-Digest", digest).send_body("hello");
    api.run(exchange);
    return exchange;
  };
  CHECK(send("sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:").status() == 200);
  check_refusal(send("sha-256=:AAAAul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"), 422, 5403);
  FakeExchange unknown = send("md5=:XUFAKrxLKna5cZ2REBfFkg==:");
  check_refusal(unknown, 400, 5205);
  CHECK_FALSE(unknown.body_touched());
}

TEST_CASE("finish with holes says which parts are missing, the tail included") {
  Sessions api;
  api.ask("GET", "/init");
  api.ask("POST", "/chuck?chuck=3", "x");
  FakeExchange holes = api.ask("GET", "/finish");
  check_refusal(holes, 409, 5413);
  CHECK(boost::json::serialize(data_of(holes)) == R"({"missing":[1,2]})");
  FakeExchange tail = api.ask("POST", "/finish?chucks=5&size=5");
  CHECK(boost::json::serialize(data_of(tail)) == R"({"missing":[1,2,4,5]})");
  CHECK(api.objects.last_finish.size == 5);
  CHECK(api.objects.last_finish.parts == 5);
}

TEST_CASE("what init and finish say about the whole must make sense") {
  Sessions api;
  for (const char* call : {"/init?size=-1", "/init?chucks=10001", "/finish?chucks=x",
                           "/finish?size=", "/init?size=1&size=1"}) {
    INFO(call);
    check_refusal(api.ask("GET", call), 400, 5205);
  }
}

TEST_CASE("content that does not match keeps its parts; a finish that takes long says try again") {
  Sessions api;
  api.ask("GET", "/init");
  api.ask("POST", "/chuck?chuck=1", "world");
  check_refusal(api.ask("GET", "/finish"), 422, 5403);
  CHECK(boost::json::serialize(data_of(api.ask("GET", "/parts"))) ==
        R"({"parts":[{"chuck":1,"size":5}],"missing":[],"stored":5,"expires":87400})");
  api.objects.fail["finish"] = Error(Code::busy, "The upload is still being finished.");
  FakeExchange busy = api.ask("GET", "/finish");
  check_refusal(busy, 503, 5901);
  CHECK(busy.answer_header("Retry-After") == "2");
}

TEST_CASE("the session is the token's, and can be dropped") {
  Sessions api;
  api.authority.tokens["up"].session = "s1";
  api.ask("GET", "/init");
  CHECK(api.objects.sessions.contains({api.hash, "s1"}));
  FakeExchange gone = api.ask("DELETE", "");
  CHECK(gone.status() == 200);
  CHECK(data_of(gone).is_null());
  CHECK(api.objects.sessions.empty());
  CHECK(api.ask("DELETE", "").status() == 200);
}
