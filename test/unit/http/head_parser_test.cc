#include "http/head_parser.h"

#include <catch2/catch.hpp>

#include "support/must.h"

using namespace mas;
using namespace mas::http;

namespace {

Result<ParsedRequest> parse(std::string_view text) {
  return parse_request_head(as_bytes(text), {});
}

// A GET of `target` with `fields` (each ended by CR LF) after Host.
Result<ParsedRequest> get(std::string_view target, std::string_view fields = "") {
  return parse("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) +
               "\r\n");
}

Code code_with(std::string_view fields) { return code_of(get("/", fields)); }

}  // namespace

TEST_CASE("A request's head is taken apart") {
  auto request =
      must(parse("POST /a%20b/c?x=%41&y HTTP/1.1\r\nHost: h:1\r\nX-One:  two \r\nContent-Length: "
                 "12\r\n\r\n"));
  CHECK(request.head.method == Method::post);
  CHECK(request.head.method_text == "POST");
  CHECK(request.head.path == "/a b/c");
  CHECK(request.head.raw_query == "x=%41&y");
  CHECK(request.head.minor_version == 1);
  CHECK(request.head.headers.get("x-one") == "two");
  CHECK(request.body.length == 12);
  CHECK_FALSE(request.body.chunked);
  CHECK(request.keep_alive);
  CHECK_FALSE(request.expects_continue);
}

TEST_CASE("Every method of the contract is known, others are named other") {
  for (auto [text, method] :
       {std::pair{"GET", Method::get}, std::pair{"HEAD", Method::head},
        std::pair{"POST", Method::post}, std::pair{"PUT", Method::put},
        std::pair{"DELETE", Method::del}, std::pair{"OPTIONS", Method::options},
        std::pair{"PATCH", Method::other}, std::pair{"get", Method::other}}) {
    auto request = must(parse(std::string(text) + " / HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(request.head.method == method);
    CHECK(request.head.method_text == text);
  }
}

TEST_CASE("HTTP/1.0 closes unless asked to keep the connection") {
  CHECK_FALSE(must(parse("GET / HTTP/1.0\r\n\r\n")).keep_alive);
  CHECK(must(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")).keep_alive);
  CHECK(must(parse("GET / HTTP/1.0\r\n\r\n")).head.minor_version == 0);
}

TEST_CASE("Connection: close is found in any list") {
  CHECK_FALSE(must(get("/", "Connection: close\r\n")).keep_alive);
  CHECK_FALSE(must(get("/", "Connection: upgrade, CLOSE\r\n")).keep_alive);
  CHECK_FALSE(must(get("/", "Connection: te\r\nConnection: close\r\n")).keep_alive);
  CHECK(must(get("/", "Connection: closed\r\n")).keep_alive);
}

TEST_CASE("Targets may be paths, whole URLs or a star") {
  CHECK(must(get("/x")).head.path == "/x");
  CHECK(must(get("http://host:80/x?y")).head.path == "/x");
  CHECK(must(get("http://host:80/x?y")).head.raw_query == "y");
  CHECK(must(get("HTTP://host")).head.path == "/");
  CHECK(must(get("http://host?y")).head.path == "/");
  CHECK(must(get("http://host?y")).head.raw_query == "y");
  CHECK(must(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")).head.path == "*");
  CHECK(must(parse("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")).head.method == Method::other);
}

TEST_CASE("Malformed targets are refused") {
  for (std::string_view target :
       {"x", "ftp://a/x", "/%", "/%4", "/%zz", "/%00", "/a#b", "/a b", "://", ""}) {
    INFO(target);
    CHECK(code_of(get(target)) == Code::parameter_malformed);
  }
}

TEST_CASE("Malformed heads are refused") {
  for (std::string_view text : {
           "GET /\r\n\r\n",                                // HTTP/0.9
           "GET / HTTP/2.0\r\nHost: a\r\n\r\n",            // version
           "PRI * HTTP/2.0\r\n\r\n",                       // HTTP/2's preface
           "GET / HTTP/1.2\r\nHost: a\r\n\r\n",            // version
           "GET / HTTP/11\r\nHost: a\r\n\r\n",             // version
           "GET / http/1.1\r\nHost: a\r\n\r\n",            // version
           "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",            // method
           "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",       // no colon
           "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",   // blank before the colon
           "GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n",     // no name
           "GET / HTTP/1.1\r\nHost: a\r\nX(): y\r\n\r\n",  // no token
           "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",           // two blanks
       }) {
    INFO(text);
    CHECK(code_of(parse(text)) == Code::parameter_malformed);
  }
}

TEST_CASE("Host must be there once in HTTP/1.1") {
  CHECK(code_of(parse("GET / HTTP/1.1\r\n\r\n")) == Code::parameter_malformed);
  CHECK(code_with("Host: b\r\n") == Code::parameter_malformed);
  CHECK(code_of(parse("GET / HTTP/1.0\r\n\r\n")) == Code::ok);
}

TEST_CASE("Only one plain Content-Length says where a body ends") {
  CHECK(must(get("/", "Content-Length: 0\r\n")).body.length == 0);
  CHECK(must(get("/", "Content-Length: 18446744073709551615\r\n")).body.length == UINT64_MAX);
  for (std::string_view fields :
       {"Content-Length: -1\r\n", "Content-Length: +1\r\n", "Content-Length: 1x\r\n",
        "Content-Length: \r\n", "Content-Length: 0x10\r\n", "Content-Length: 1 2\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 99999999999999999999999999\r\n"}) {
    INFO(fields);
    CHECK(code_with(fields) == Code::body_unreadable);
  }
}

TEST_CASE("Chunked is the only transfer coding, and excludes Content-Length") {
  auto request = must(get("/", "Transfer-Encoding: Chunked\r\n"));
  CHECK(request.body.chunked);
  CHECK_FALSE(request.body.length.has_value());
  CHECK(code_with("Transfer-Encoding: gzip, chunked\r\n") == Code::not_implemented);
  CHECK(code_with("Transfer-Encoding: gzip\r\n") == Code::not_implemented);
  CHECK(code_with("Transfer-Encoding: identity\r\n") == Code::not_implemented);
  CHECK(code_with("Transfer-Encoding: chunked, gzip\r\n") == Code::not_implemented);
  CHECK(code_with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == Code::body_unreadable);
  CHECK(code_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == Code::body_unreadable);
  Code twice = code_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n");
  CHECK((twice == Code::body_unreadable || twice == Code::not_implemented));
  CHECK(code_of(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")) ==
        Code::body_unreadable);
}

TEST_CASE("The only expectation met is 100-continue") {
  CHECK(must(get("/", "Expect: 100-Continue\r\n")).expects_continue);
  CHECK(code_with("Expect: 200-ok\r\n") == Code::expectation_failed);
  CHECK(code_with("Expect: 100-continue\r\nExpect: more\r\n") == Code::expectation_failed);
  auto old = must(parse("GET / HTTP/1.0\r\nExpect: whatever\r\n\r\n"));
  CHECK_FALSE(old.expects_continue);
}

TEST_CASE("A response's head is taken apart") {
  auto response = must(parse_response_head(
      as_bytes("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"), {}));
  CHECK(response.head.status == 404);
  CHECK(response.body.length == 3);
  CHECK_FALSE(response.keep_alive);
}

TEST_CASE("Answers that are not HTTP are corrupt") {
  for (std::string_view text :
       {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"}) {
    INFO(text);
    CHECK(code_of(parse_response_head(as_bytes(text), {})) == Code::corrupt);
  }
}
