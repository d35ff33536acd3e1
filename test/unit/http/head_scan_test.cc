#include "http/head_scan.h"

#include <catch2/catch.hpp>

#include "support/must.h"

using namespace mas;
using namespace mas::http;

namespace {

Result<std::optional<std::size_t>> scan(std::string_view text, HeadLimits limits = {}) {
  HeadScan scan(limits);
  return scan.scan(as_bytes(text));
}

}  // namespace

TEST_CASE("A head ends at its empty line, whatever follows") {
  std::string_view head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(must(scan(head)) == head.size());
  CHECK(must(scan(std::string(head) + "body\r\n\r\nmore")) == head.size());
}

TEST_CASE("A head is found the same whatever pieces it comes in") {
  std::string head = "POST /x?y HTTP/1.1\r\nHost: a\r\nA: \xc3\xa9\tb\r\n\r\n";
  HeadScan scanner({});
  for (std::size_t size = 1; size < head.size(); ++size) {
    CHECK(!must(scanner.scan(as_bytes(std::string_view(head).substr(0, size)))).has_value());
  }
  CHECK(must(scanner.scan(as_bytes(head))) == head.size());
}

TEST_CASE("Heads that parsers disagree on are refused") {
  for (std::string text : {
           "GET / HTTP/1.1\nHost: a\n\n",            // LF only
           "GET / HTTP/1.1\r\nHost: a\n\r\n",        // LF only on one line
           "\nGET / HTTP/1.1\r\n\r\n",               // begins with LF
           "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",   // bare CR
           "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",   // folded
           "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n",  // folded
           " GET / HTTP/1.1\r\n\r\n",                // begins with a blank
           "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",      // control character
           "GET / HTTP/1.1\r\nA: \x7f\r\n\r\n",      // delete
           "GET /\x0b HTTP/1.1\r\n\r\n",             // in the request line
           "\x16\x03\x01\x02\x00\x01",               // TLS
       }) {
    INFO(text);
    CHECK(code_of(scan(text)) == Code::parameter_malformed);
  }
  std::string with_nul("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 27);
  CHECK(code_of(scan(with_nul)) == Code::parameter_malformed);
}

TEST_CASE("What is not HTTP is refused at its first byte") {
  CHECK(code_of(scan("\x16")) == Code::parameter_malformed);
  CHECK(code_of(scan("\xff")) == Code::parameter_malformed);
}

TEST_CASE("A request line over the limit is told from a head over the limit") {
  HeadLimits limits{100, 64};
  std::string long_line = "GET /" + std::string(100, 'a');
  CHECK(code_of(scan(long_line, limits)) == Code::uri_too_long);
  CHECK(code_of(scan(long_line + " HTTP/1.1\r\n\r\n", limits)) == Code::uri_too_long);
  std::string long_field = "GET / HTTP/1.1\r\nA: " + std::string(100, 'a');
  CHECK(code_of(scan(long_field, limits)) == Code::head_too_large);
  CHECK(code_of(scan(long_field + "\r\n\r\n", limits)) == Code::head_too_large);
}

TEST_CASE("A head of exactly the limit passes, one byte more does not") {
  std::string head = "GET / HTTP/1.1\r\nA: b\r\n\r\n";
  CHECK(must(scan(head, {head.size(), 64})) == head.size());
  CHECK(code_of(scan(head, {head.size() - 1, 64})) == Code::head_too_large);
}

TEST_CASE("As many fields as the limit pass, one more does not") {
  std::string head = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 64; ++i) head += "A: b\r\n";
  CHECK(must(scan(head + "\r\n")).has_value());
  CHECK(code_of(scan(head + "A: b\r\n\r\n")) == Code::head_too_large);
}
