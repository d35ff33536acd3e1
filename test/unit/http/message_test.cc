#include "mas/http/message.h"

#include <catch2/catch.hpp>

#include "support/must.h"

using namespace mas;
using namespace mas::http;

TEST_CASE("Header names compare without case and values keep their order") {
  Headers headers;
  headers.add("Token", "one");
  headers.add("tOKEN", "two");
  headers.add("Other", "x");
  CHECK(headers.get("token") == "one");
  CHECK(headers.count("TOKEN") == 2);
  CHECK_FALSE(headers.get("toke").has_value());
  CHECK(headers.count("missing") == 0);
}

TEST_CASE("Setting a header replaces every one of its name") {
  Headers headers;
  headers.add("A", "1");
  headers.add("B", "2");
  headers.add("a", "3");
  headers.set("A", "4");
  CHECK(headers.count("a") == 1);
  CHECK(headers.get("A") == "4");
  headers.set("C", "5");
  CHECK(headers.get("c") == "5");
  CHECK(headers.all().size() == 3);
}

TEST_CASE("A query is split and decoded") {
  auto query = must(Query::parse("a=1&b=%C3%A9+x&&c&d=&a=2&e=x=y"));
  CHECK(query.get("a") == "1");
  CHECK(query.count("a") == 2);
  CHECK(query.get("b") == "\xc3\xa9 x");
  CHECK(query.get("c") == "");
  CHECK(query.get("d") == "");
  CHECK(query.get("e") == "x=y");
  CHECK_FALSE(query.get("f").has_value());
  CHECK(must(Query::parse("")).all().empty());
}

TEST_CASE("Malformed queries are refused") {
  for (std::string_view text : {"a=%", "a=%4", "a=%g0", "%=1", "a=%00", "%00=1"}) {
    INFO(text);
    CHECK(code_of(Query::parse(text)) == Code::parameter_malformed);
  }
}

TEST_CASE("Percent-encoding goes round for every byte") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  CHECK(percent_decode(percent_encode(all)) == all);
  CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encode(" /\"\xff") == "%20%2F%22%FF");
  CHECK(percent_decode("a+b%2b") == "a+b+");
  CHECK_FALSE(percent_decode("%").has_value());
  CHECK_FALSE(percent_decode("%a").has_value());
  CHECK_FALSE(percent_decode("%-1").has_value());
  CHECK_FALSE(percent_decode("%%41").has_value());
}

TEST_CASE("UTF-8 is told from what is not") {
  for (std::string_view good :
       {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xe4\xb8\xad z"}) {
    CHECK(is_valid_utf8(good));
  }
  for (std::string_view bad : {
           "\x80",              // a continuation alone
           "\xc0\xaf",          // overlong
           "\xc1\xbf",          // overlong
           "\xe0\x9f\xbf",      // overlong
           "\xf0\x8f\xbf\xbf",  // overlong
           "\xed\xa0\x80",      // surrogate
           "\xf4\x90\x80\x80",  // beyond U+10FFFF
           "\xf5\x80\x80\x80",  // beyond
           "\xff",              // never occurs
           "\xc2",              // cut
           "\xe4\xb8",          // cut
           "\xf0\x9f\x98",      // cut
           "\xc2\x41",          // no continuation
           "\xe4\xb8\xc0",      // no continuation
       }) {
    CHECK_FALSE(is_valid_utf8(bad));
  }
}
