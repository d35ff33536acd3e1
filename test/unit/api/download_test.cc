// Downloads: heads, conditions, ranges, seek, and failures before and after the head.
#include "support/logged_lines.h"
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

const std::string kText = "0123456789abcdefghij";  // 20 bytes

struct Downloads : Fixture {
  Hash hash;
  explicit Downloads(std::string bytes = kText, std::string name = "a.txt") {
    hash = objects.add(std::move(bytes), std::move(name));
    token("down", auth::TokenType::download, hash);
  }
  auth::Claims& claims() { return authority.tokens["down"]; }
  FakeExchange get(std::string query = "",
                   std::vector<std::pair<std::string, std::string>> headers = {},
                   const char* method = "GET") {
    FakeExchange exchange(method, "/api/file/upload/download" + query);
    exchange.header("token", "down");
    for (auto& [name, value] : headers) exchange.header(name, value);
    run(exchange);
    return exchange;
  }
  [[nodiscard]] std::string etag(const std::string& suffix = "") const {
    return "\"" + hash.hex() + suffix + "\"";
  }
};

}  // namespace

TEST_CASE("a whole file comes with every header of the contract") {
  Downloads api;
  for (const char* method : {"GET", "HEAD"}) {
    FakeExchange exchange = api.get("", {}, method);
    CHECK(exchange.status() == 200);
    CHECK(exchange.announced() == 20);
    CHECK(exchange.answer_header("ETag") == api.etag());
    CHECK(exchange.answer_header("Accept-Ranges") == "bytes");
    CHECK(exchange.answer_header("Last-Modified") == "Thu, 01 Jan 1970 00:16:40 GMT");
    CHECK(exchange.answer_header("Cache-Control") == "private, no-cache");
    CHECK(exchange.answer_header("Vary") == "token");
    CHECK(exchange.answer_header("Content-Security-Policy") == "sandbox; default-src 'none'");
    CHECK(exchange.answer_header("Access-Control-Allow-Origin") == "*");
    CHECK(exchange.count_header("Content-Encoding") == 0);
    CHECK(exchange.answer_header("Content-Type") == "text/plain");
    CHECK(exchange.answer_header("Content-Disposition").substr(0, 10) == "attachment");
    CHECK(exchange.answer_body() == (method[0] == 'G' ? kText : ""));
    CHECK(exchange.times_answered() == 1);
  }
}

TEST_CASE("one range is 206, counted as RFC 9110 says") {
  Downloads api;
  auto check = [&](const char* range, const char* bytes, const char* content_range) {
    FakeExchange exchange = api.get("", {{"Range", range}});
    INFO(range);
    CHECK(exchange.status() == 206);
    CHECK(exchange.answer_body() == bytes);
    CHECK(exchange.announced() == std::string(bytes).size());
    CHECK(exchange.answer_header("Content-Range") == content_range);
    CHECK(exchange.answer_header("ETag") == api.etag());
  };
  check("bytes=0-0", "0", "bytes 0-0/20");
  check("bytes=5-9", "56789", "bytes 5-9/20");
  check("bytes=18-", "ij", "bytes 18-19/20");
  check("bytes=-3", "hij", "bytes 17-19/20");
  check("bytes=15-99", "fghij", "bytes 15-19/20");
}

TEST_CASE("several or malformed ranges are answered with the whole") {
  Downloads api;
  for (const char* range : {"bytes=0-1,3-4", "bytes=5-2", "bytes=a-b", "bytes", "lines=0-1", ""}) {
    FakeExchange exchange = api.get("", {{"Range", range}});
    INFO(range);
    CHECK(exchange.status() == 200);
    CHECK(exchange.answer_body() == kText);
    CHECK(exchange.count_header("Content-Range") == 0);
  }
  CHECK(api.get("", {{"Range", "bytes=0-1"}, {"Range", "bytes=3-4"}}).status() == 200);
}

TEST_CASE("a range behind the end is 416 and tells the size") {
  Downloads api;
  for (const char* range : {"bytes=20-", "bytes=20-30", "bytes=-0"}) {
    FakeExchange exchange = api.get("", {{"Range", range}});
    INFO(range);
    check_refusal(exchange, 416, 5915);
    CHECK(exchange.answer_header("Content-Range") == "bytes */20");
  }
}

TEST_CASE("If-Range that is not exactly the ETag asks for the whole") {
  Downloads api;
  CHECK(api.get("", {{"Range", "bytes=5-9"}, {"If-Range", api.etag()}}).status() == 206);
  for (const std::string& other : {std::string("\"x\""), "W/" + api.etag(), api.hash.hex(),
                                   api.etag("+0"), std::string("Thu, 01 Jan 1970 00:16:40 GMT")}) {
    FakeExchange exchange = api.get("", {{"Range", "bytes=5-9"}, {"If-Range", other}});
    CHECK(exchange.status() == 200);
    CHECK(exchange.answer_body() == kText);
  }
}

TEST_CASE("If-None-Match that names the ETag is 304, before any range") {
  Downloads api;
  for (const std::string& tags :
       {api.etag(), "\"x\", " + api.etag(), "W/" + api.etag(), std::string("*")}) {
    FakeExchange exchange = api.get("", {{"If-None-Match", tags}, {"Range", "bytes=99-"}});
    CHECK(exchange.status() == 304);
    CHECK(exchange.answer_body().empty());
    CHECK(exchange.answer_header("ETag") == api.etag());
    CHECK(exchange.answer_header("Vary") == "token");
    CHECK(exchange.answer_header("Cache-Control") == "private, no-cache");
  }
  CHECK(api.get("", {{"If-None-Match", "\"x\""}}).status() == 200);
  CHECK(api.get("", {{"If-None-Match", "\"x\""}, {"if-none-match", api.etag()}}).status() == 304);
  CHECK(api.get("", {{"If-None-Match", api.etag()}}, "HEAD").status() == 304);
}

TEST_CASE("HEAD ignores ranges") {
  Downloads api;
  FakeExchange exchange = api.get("", {{"Range", "bytes=5-9"}}, "HEAD");
  CHECK(exchange.status() == 200);
  CHECK(exchange.announced() == 20);
  CHECK(api.get("", {{"Range", "bytes=99-"}}, "HEAD").status() == 200);
}

TEST_CASE("seek selects the rest of the file as a resource of its own") {
  Downloads api;
  FakeExchange rest = api.get("?seek=15");
  CHECK(rest.status() == 200);
  CHECK(rest.answer_body() == "fghij");
  CHECK(rest.announced() == 5);
  CHECK(rest.answer_header("ETag") == api.etag("+15"));
  FakeExchange range = api.get("?seek=10", {{"Range", "bytes=2-3"}, {"If-Range", api.etag("+10")}});
  CHECK(range.status() == 206);
  CHECK(range.answer_body() == "cd");
  CHECK(range.answer_header("Content-Range") == "bytes 2-3/10");
  CHECK(api.get("?seek=10", {{"Range", "bytes=2-3"}, {"If-Range", api.etag()}}).status() == 200);
  CHECK(api.get("?seek=10", {{"If-None-Match", api.etag()}}).status() == 200);
  CHECK(api.get("?seek=0").answer_header("ETag") == api.etag("+0"));
  FakeExchange behind = api.get("?seek=10", {{"Range", "bytes=10-"}});
  check_refusal(behind, 416, 5915);
  CHECK(behind.answer_header("Content-Range") == "bytes */10");
}

TEST_CASE("seek at the end is empty, behind it 416, and not a number 400") {
  Downloads api;
  FakeExchange end = api.get("?seek=20");
  CHECK(end.status() == 200);
  CHECK(end.announced() == 0);
  CHECK(end.answer_body().empty());
  FakeExchange behind = api.get("?seek=21");
  check_refusal(behind, 416, 5915);
  CHECK(behind.answer_header("Content-Range") == "bytes */20");
  for (const char* query :
       {"?seek=", "?seek=-1", "?seek=abc", "?seek=1.5", "?seek=99999999999999999999"}) {
    INFO(query);
    check_refusal(api.get(query), 400, 5205);
  }
}

TEST_CASE("an empty file is an empty 200, and no range of it can be had") {
  Downloads api("", "empty");
  CHECK(api.get().status() == 200);
  CHECK(api.get().announced() == 0);
  CHECK(api.get("", {{"Range", "bytes=0-"}}).status() == 416);
}

TEST_CASE("the name is the token's, else the record's, else the hash") {
  Downloads api;
  CHECK(api.get().answer_header("Content-Disposition").find("a.txt") != std::string::npos);
  api.claims().name = "token.png";
  FakeExchange named = api.get();
  CHECK(named.answer_header("Content-Disposition").find("token.png") != std::string::npos);
  CHECK(named.answer_header("Content-Type") == "image/png");
  Downloads unnamed(kText, "");
  CHECK(unnamed.get().answer_header("Content-Disposition").find(unnamed.hash.hex()) !=
        std::string::npos);
  CHECK(unnamed.get().answer_header("Content-Type") == "application/octet-stream");
}

TEST_CASE("a file is shown inline only if the token says so and its type is listed") {
  Downloads api;
  auto disposition = [&](const char* name, bool shown) {
    api.claims().name = name;
    api.claims().inline_disposition = shown;
    std::string value = api.get().answer_header("Content-Disposition");
    return value.substr(0, value.find(';'));
  };
  CHECK(disposition("a.PNG", true) == "inline");
  CHECK(disposition("a.pdf", true) == "inline");
  CHECK(disposition("a.png", false) == "attachment");
  CHECK(disposition("a.html", true) == "attachment");
  CHECK(disposition("a.svg", true) == "attachment");
  CHECK(disposition("png", true) == "attachment");
  CHECK(disposition("a.", true) == "attachment");
}

TEST_CASE("a deleted file is 404") {
  Downloads api;
  api.objects.stored.clear();
  check_refusal(api.get(), 404, 5407);
}

TEST_CASE("a file that cannot be read from the start gets its proper status") {
  for (auto [code, status, number] :
       {std::tuple{Code::damaged, 500, 5404}, std::tuple{Code::too_few_pods_read, 503, 5701},
        std::tuple{Code::corrupt, 500, 5409}, std::tuple{Code::io, 500, 5409},
        std::tuple{Code::busy, 503, 5901}}) {
    Downloads api;
    api.objects.good_bytes = 0;
    api.objects.fail["get"] = Error(code, "A sentence.");
    FakeExchange exchange = api.get();
    check_refusal(exchange, status, number);
    CHECK(exchange.count_header("ETag") == 0);
    CHECK(exchange.count_header("Content-Disposition") == 0);
  }
}

TEST_CASE("a failure after the head ends the answer short of its length") {
  Downloads api;
  api.objects.good_bytes = 10;
  api.objects.fail["get"] = Error(Code::damaged, "A sentence.");
  FakeExchange exchange = api.get();
  CHECK(exchange.status() == 200);
  CHECK(exchange.times_answered() == 1);
  CHECK(exchange.announced() == 20);
  CHECK(exchange.answer_body() == "0123456789");
  CHECK(exchange.wire_code == 5404);
}

TEST_CASE("a client that goes away ends the read") {
  Downloads api;
  FakeExchange exchange("GET", "/api/file/download");
  exchange.header("token", "down").hang_up_after(5);
  api.run(exchange);
  CHECK(exchange.answer_body().size() == 5);
  CHECK(exchange.times_answered() == 1);
}

TEST_CASE("a client that takes no more is no file that cannot be read") {
  Downloads api;
  LoggedLines lines;
  FakeExchange exchange("GET", "/api/file/download");
  exchange.header("token", "down").fall_silent_after(5);
  api.run(exchange);
  CHECK(lines.count(" error ") == 0);
  CHECK(lines.count("api.cause") == 0);
  CHECK(lines.count("download.cut") == 1);
  CHECK(exchange.wire_code == wire_code(Code::closed));
  CHECK(api.metrics.text().find(R"(mas_downloads_cut_total{reason="silent"} 1)") !=
        std::string::npos);
}
