#include <string>

#include "auth/redis/reply.h"
#include "support/must.h"

using namespace mas;
using namespace mas::auth::redis;
using Kind = Reply::Kind;

namespace {

Reply whole(std::string_view bytes) {
  ReplyReader reader;
  must(reader.feed(as_bytes(bytes)));
  auto reply = must(reader.next());
  REQUIRE(reply.has_value());
  CHECK(reader.empty());
  return *reply;
}

// What becomes of bytes that are not, or not yet, a reply.
Code fate(std::string_view bytes) {
  ReplyReader reader;
  auto fed = reader.feed(as_bytes(bytes));
  if (fed.has_error()) return fed.error().code();
  auto reply = reader.next();
  if (reply.has_value()) return reply->has_value() ? Code::ok : Code::busy;
  // It stays broken.
  CHECK(code_of(reader.feed(as_bytes("+OK\r\n"))) == Code::corrupt);
  CHECK(code_of(reader.next()) == Code::corrupt);
  CHECK_FALSE(reader.empty());
  return reply.error().code();
}

}  // namespace

TEST_CASE("commands are arrays of strings of any bytes") {
  CHECK(encode({"AUTH", "a b\r\nc"}) == "*2\r\n$4\r\nAUTH\r\n$6\r\na b\r\nc\r\n");
  CHECK(encode({"X", "", std::string("\0%s", 3)}) ==
        std::string("*3\r\n$1\r\nX\r\n$0\r\n\r\n$3\r\n\0%s\r\n", 26));
}

TEST_CASE("each kind of reply is read") {
  CHECK(whole("+OK\r\n").kind == Kind::text);
  CHECK(whole("+OK\r\n").text == "OK");
  CHECK(whole("$5\r\na\r\nbc\r\n").text == "a\r\nbc");
  CHECK(whole("$0\r\n\r\n").kind == Kind::text);
  CHECK(whole(":-42\r\n").integer == -42);
  CHECK(whole(":9223372036854775807\r\n").integer == INT64_MAX);
  CHECK(whole("$-1\r\n").kind == Kind::nil);
  CHECK(whole("*-1\r\n").kind == Kind::nil);
  CHECK(whole("*0\r\n").elements.empty());
  Reply error = whole("-NOSCRIPT No matching script.\r\n");
  CHECK(error.kind == Kind::error);
  CHECK(error.error_word() == "NOSCRIPT");
  CHECK(whole("-ERR\r\n").error_word() == "ERR");
  CHECK(whole("-\r\n").error_word().empty());
}

TEST_CASE("arrays hold their elements in order, arrays among them") {
  Reply reply = whole("*4\r\n:1\r\n*2\r\n$1\r\na\r\n-ERR no\r\n$-1\r\n+x\r\n");
  REQUIRE(reply.elements.size() == 4);
  CHECK(reply.elements[0].integer == 1);
  REQUIRE(reply.elements[1].elements.size() == 2);
  CHECK(reply.elements[1].elements[0].text == "a");
  CHECK(reply.elements[1].elements[1].kind == Kind::error);
  CHECK(reply.elements[2].kind == Kind::nil);
  CHECK(reply.elements[3].text == "x");
}

TEST_CASE("replies may come in any pieces, and several at once") {
  std::string bytes = "*3\r\n:1\r\n:1795366800000000\r\n$2\r\nab\r\n";
  ReplyReader reader;
  for (char byte : bytes) {
    CHECK_FALSE(must(reader.next()).has_value());
    must(reader.feed(as_bytes(std::string_view(&byte, 1))));
    CHECK_FALSE(reader.empty());
  }
  CHECK(must(reader.next())->elements.size() == 3);
  CHECK(reader.empty());

  must(reader.feed(as_bytes("+a\r\n+b\r\n+c")));
  CHECK(must(reader.next())->text == "a");
  CHECK_FALSE(reader.empty());
  CHECK(must(reader.next())->text == "b");
  CHECK_FALSE(must(reader.next()).has_value());
  CHECK_FALSE(reader.empty());
}

TEST_CASE("the bound on bytes is of one reply, not of a connection") {
  ReplyReader reader;
  std::string reply = "$1000\r\n" + std::string(1000, 'x') + "\r\n";
  for (int i = 0; i < 200; ++i) {
    must(reader.feed(as_bytes(reply)));
    CHECK(must(reader.next())->text.size() == 1000);
  }
  CHECK(reader.empty());
}

TEST_CASE("bytes that are no reply are refused for good") {
  for (const char* bytes : {"HTTP/1.1 400 Bad Request\r\n",
                            "\r\n",
                            "OK\r\n",
                            "\x16\x03\x01",
                            ":abc\r\n",
                            ":\r\n",
                            ":1 \r\n",
                            ":99999999999999999999\r\n",
                            "$abc\r\n",
                            "$-2\r\n",
                            "$\r\n",
                            "*-2\r\n",
                            "*x\r\n",
                            "*1\r\n?\r\n",
                            "*2\r\n:1\r\nx\r\n",
                            "*17\r\n",
                            "*2147483647\r\n",
                            "*2147483648\r\n",
                            "*4294967297\r\n",
                            "*1\r\n*1000000\r\n",
                            "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    INFO(bytes);
    CHECK(fate(bytes) == Code::corrupt);
  }
}

TEST_CASE("a reply that is not whole is waited for, up to the bound") {
  for (const char* bytes :
       {"", "+", "+OK", "+OK\r", "$5\r\nab", "$500000000\r\n", "*2\r\n:1\r\n"}) {
    INFO(bytes);
    CHECK(fate(bytes) == Code::busy);
  }
  CHECK(fate("$500000000\r\n" + std::string(ReplyReader::kMaxBytes, 'x')) == Code::corrupt);
  CHECK(fate("+" + std::string(ReplyReader::kMaxBytes, 'x')) == Code::corrupt);
}

TEST_CASE("a reader that ends in the midst of a reply leaves nothing behind") {
  ReplyReader reader;
  must(reader.feed(as_bytes("*3\r\n$3\r\nabc\r\n*2\r\n:1\r\n")));
  CHECK_FALSE(must(reader.next()).has_value());
}
