#include "auth/redis/script.h"
#include "support/fake_clock.h"
#include "support/must.h"

using namespace mas;
using namespace mas::auth::redis;
using auth::LedgerEntry;

namespace {

Reply integer(std::int64_t value) {
  Reply reply;
  reply.kind = Reply::Kind::integer;
  reply.integer = value;
  return reply;
}

Reply array(std::vector<Reply> elements) {
  Reply reply;
  reply.kind = Reply::Kind::array;
  reply.elements = std::move(elements);
  return reply;
}

}  // namespace

TEST_CASE("a call names the script by its digest, and the token by its key") {
  test::FakeClock clock;
  Script script(config::Token{}, &clock);
  Request request{Operation::renew, Id128{{1, 2, 3}}, WallTime{42}};
  Command call = script.short_call(request);
  REQUIRE(call.size() == 10);
  CHECK(call[0] == "EVALSHA");
  CHECK(call[1].size() == 40);
  CHECK(call[2] == "1");
  CHECK(call[3] == "mas:token:01020300000000000000000000000000");
  CHECK(call[4] == "renew");
  CHECK(call[5] == "42");
  CHECK(call[6] == "120000000");
  CHECK(call[7] == "10000000");
  CHECK(call[8] == "86400000000");
  CHECK(call[9] == std::to_string(test::FakeClock::kStart.unix_micros));
  Command whole = script.whole_call(request);
  CHECK(whole[0] == "EVAL");
  CHECK(whole[1].find("redis.call") != std::string::npos);
  CHECK(Command(whole.begin() + 2, whole.end()) == Command(call.begin() + 2, call.end()));
}

TEST_CASE("without a clock of its own a call leaves the time to the server") {
  Script script(config::Token{}, nullptr);
  CHECK(script.short_call(Request{}).back() == "0");
}

TEST_CASE("the script's answers are a verdict, the time and the end") {
  LedgerEntry entry = must(Script::read(array({integer(1), integer(5), integer(7)})));
  CHECK(entry.now == WallTime{5});
  CHECK(entry.end == WallTime{7});
  CHECK(code_of(Script::read(array({integer(0), integer(5), integer(4)}))) == Code::token_invalid);
}

TEST_CASE("other answers are corrupt") {
  CHECK(code_of(Script::read(Reply{})) == Code::corrupt);
  CHECK(code_of(Script::read(integer(1))) == Code::corrupt);
  CHECK(code_of(Script::read(array({}))) == Code::corrupt);
  CHECK(code_of(Script::read(array({integer(1), integer(2)}))) == Code::corrupt);
  CHECK(code_of(Script::read(array({integer(1), integer(2), Reply{}}))) == Code::corrupt);
  CHECK(code_of(Script::read(array({integer(1), integer(2), integer(3), integer(4)}))) ==
        Code::corrupt);
}
