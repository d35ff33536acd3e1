#include "api/params.h"

#include <catch2/catch.hpp>

#include "support/must.h"

using namespace mas;
using namespace mas::api;

namespace {

http::Query query(std::string_view text) { return must(http::Query::parse(text)); }

}  // namespace

TEST_CASE("a parameter that stands twice in the query is malformed") {
  CHECK(code_of(parse_query("a=1&b=2&a=3", 64)) == Code::parameter_malformed);
  CHECK(code_of(parse_query("a=1&a=1", 64)) == Code::parameter_malformed);
  CHECK(must(parse_query("a=1&b=1", 64)).all().size() == 2);
}

TEST_CASE("more parameters than are allowed are malformed, whatever they are") {
  std::string many = "p0=x";
  for (int i = 1; i < 64; ++i) many += "&p" + std::to_string(i) + "=x";
  CHECK(must(parse_query(many, 64)).all().size() == 64);
  CHECK(code_of(parse_query(many + "&one=more", 64)) == Code::parameter_malformed);
  CHECK(code_of(parse_query(std::string(8000, '&'), 64)) == Code::parameter_malformed);
  CHECK(must(parse_query(many + "&one=more", 65)).all().size() == 65);
}

TEST_CASE("a header that carries one meaning must not come twice") {
  http::Headers headers;
  headers.add("token", "a");
  headers.add("Range", "bytes=0-1");
  headers.add("Range", "bytes=2-3");
  CHECK(refuse_doubled_headers(headers).has_value());
  headers.add("Token", "a");
  CHECK(code_of(refuse_doubled_headers(headers)) == Code::parameter_malformed);
}

TEST_CASE("a hash is 64 hex digits and nothing else") {
  std::string good(64, 'A');
  CHECK(must(required_hash(query("hash=" + good), "hash")).hex() == std::string(64, 'a'));
  CHECK(code_of(required_hash(query(""), "hash")) == Code::parameter_missing);
  CHECK(code_of(required_hash(query("hash="), "hash")) == Code::parameter_missing);
  for (const std::string& bad :
       {std::string(63, 'a'), std::string(65, 'a'), std::string(63, 'a') + 'g',
        std::string("%20") + std::string(63, 'a'), std::string("../etc")}) {
    CHECK(code_of(required_hash(query("hash=" + bad), "hash")) == Code::hash_malformed);
  }
}

TEST_CASE("a number is decimal digits within its range") {
  auto read = [](std::string_view text) { return optional_number(query(text), "n", 1, 100); };
  CHECK(must(read("n=1")) == 1);
  CHECK(must(read("n=100")) == 100);
  CHECK_FALSE(must(read("m=1")).has_value());
  for (std::string_view bad : {"n=", "n=0", "n=101", "n=-1", "n=%2B1", "n=1.0", "n=0x1", "n=1e1",
                               "n=+1", "n=99999999999999999999999", "n=a"}) {
    INFO(bad);
    CHECK(code_of(read(bad)) == Code::parameter_malformed);
  }
}

TEST_CASE("a flag is 0 or 1") {
  CHECK(must(optional_flag(query("f=1"), "f")) == true);
  CHECK(must(optional_flag(query("f=0"), "f")) == false);
  CHECK_FALSE(must(optional_flag(query(""), "f")).has_value());
  for (std::string_view bad : {"f=", "f=2", "f=true", "f=01"}) {
    CHECK(code_of(optional_flag(query(bad), "f")) == Code::parameter_malformed);
  }
}

TEST_CASE("a name is UTF-8 without control characters, up to its limit, and climbs nowhere") {
  CHECK(must(check_name("r\xc3\xa9sum\xc3\xa9.pdf", 100)) == "r\xc3\xa9sum\xc3\xa9.pdf");
  CHECK(must(check_name("dir/file..txt", 100)) == "dir/file..txt");
  CHECK(must(check_name("...", 100)) == "...");
  CHECK(must(check_name(std::string(1024, 'x'), 1024)).size() == 1024);
  CHECK(code_of(check_name(std::string(1025, 'x'), 1024)) == Code::parameter_malformed);
  for (std::string_view bad :
       {std::string_view("a\r\nb"), std::string_view("a\nb"), std::string_view("a\0b", 3),
        std::string_view("a\x7f"), std::string_view("a\xc2\x85"), std::string_view("\xff\xfe"),
        std::string_view("\xc0\xaf"), std::string_view("\xed\xa0\x80"), std::string_view("../x"),
        std::string_view("a/../b"), std::string_view("a\\..\\b"), std::string_view(".."),
        std::string_view("a/.."), std::string_view("\t")}) {
    CHECK(code_of(check_name(bad, 1024)) == Code::parameter_malformed);
  }
}

TEST_CASE("a name stands in the query first, then in the percent-encoded header") {
  http::Headers headers;
  headers.add("name", "%E6%96%87%2B+.txt");
  CHECK(must(stated_name(query("name=q"), headers, 99)) == "q");
  CHECK(must(stated_name(query("name="), headers, 99)) == "\xe6\x96\x87++.txt");
  CHECK(must(stated_name(query(""), headers, 99)) == "\xe6\x96\x87++.txt");
  CHECK(must(stated_name(query(""), {}, 99)).empty());
  for (const char* bad : {"%", "%4", "%zz", "%00", "%0d%0a", "%ff"}) {
    http::Headers wrong;
    wrong.add("name", bad);
    INFO(bad);
    CHECK(code_of(stated_name(query(""), wrong, 99)) == Code::parameter_malformed);
  }
}
